import * as assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {missingFor} from '../helpers/requires.ts';
import {type EndingSignal, type Moment, openSignalRig, type SignalRig} from '../helpers/signal-rig.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';

const MB = 1_000_000;
const skip = missingFor('script');
/** A loaded machine takes its time to start a process's end. */
const LIMIT_MS = 1500;
const INTERRUPTIONS: readonly (readonly [EndingSignal, Moment])[] = [
  ['SIGINT', {afterMs: 150}],
  ['SIGTERM', {bytes: 1}],
  ['SIGHUP', {bytes: 1.5 * MB}],
  ['SIGINT', {bytes: 3 * MB}],
  ['SIGTERM', {bytes: 5.5 * MB}],
];

describe('e2e/signals', ({test}) => {
  test('S19 a signal at any point of a pull ends it within a second, and the next pull goes on', async () => {
    await using rig = await openSignalRig();
    for (const [signal, moment] of INTERRUPTIONS) {
      const {isHit, milliseconds} = await rig.interrupt(signal, moment);
      const what = `${signal} ${JSON.stringify(moment)}`;
      assert.ok(isHit, what);
      assert.ok(milliseconds < LIMIT_MS, `${what}: ${milliseconds} ms`);
    }
  });

  test('S19 a second Ctrl-C changes nothing about the end', async () => {
    await using rig = await openSignalRig();
    const {isHit, milliseconds} = await rig.interrupt('SIGINT', {bytes: 2 * MB}, 5);
    assert.ok(isHit && milliseconds < LIMIT_MS, `${milliseconds} ms`);
  });

  test('S19 a pull whose result nobody reads stores its image in silence', async () => {
    await using rig = await openSignalRig();
    rig.registry.setFaults([]);
    const line = `winch pull --quiet ${rig.reference} | true; winch pull --quiet ${rig.reference} | head -n 1`;
    const {stdout, stderr} = await rig.winch.startShell(line).exited;
    assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/);
    assert.equal(stderr, '');
    await rig.requireResumed();
  });

  test(
    'S19 Ctrl-C on a terminal leaves it as it was, with a cursor',
    async () => {
      await using rig = await openSignalRig();
      // The key is meant for the shell as well, which is to see the end.
      const line = `trap : INT; stty -g; winch pull ${rig.reference}; code=$?; stty -g; exit $code`;
      const terminal = startOnTerminal(rig, line);
      await waitFor(() => rig.sentBytes() > MB);
      terminal.stdin.write('\x03');
      const {exitCode, stdout} = await terminal.exited;
      terminal.stdin.end();
      assert.equal(exitCode, 130, stdout);
      const settings = stdout.split('\r\n').filter((text) => /^(?:[0-9a-f]+:)+[0-9a-f]+$/.test(text));
      assert.deepEqual([settings.length, new Set(settings).size], [2, 1], stdout);
      assert.ok(stdout.lastIndexOf('\x1b[?25h') >= stdout.lastIndexOf('\x1b[?25l'), JSON.stringify(stdout));
      await rig.requireResumed();
    },
    {skip},
  );

  test(
    'S19 a terminal that is closed ends the pull, and the next one goes on',
    async () => {
      await using rig = await openSignalRig();
      const terminal = startOnTerminal(rig, `exec winch pull ${rig.reference}`);
      await waitFor(() => rig.sentBytes() > MB);
      const pulling = findProcesses(rig.winch.root);
      assert.ok(pulling.length > 0);
      terminal.child.kill('SIGKILL');
      await terminal.exited;
      await waitFor(() => findProcesses(rig.winch.root).length === 0);
      assert.ok(rig.sentBytes() < rig.imageBytes);
      await rig.requireResumed();
    },
    {skip},
  );
});

const startOnTerminal = ({winch}: SignalRig, line: string) =>
  winch.startShell('exec script --quiet --return --command "$LINE" /dev/null', {env: {LINE: line}, input: null});

/** The processes of winch, with `script` no longer among them, that use a store. */
const findProcesses = (root: string): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'latin1');
    try {
      return read('environ').includes(`WINCH_ROOT=${root}`) && /winch\.js\0pull\0/.test(read('cmdline'));
    } catch {
      return false;
    }
  });
