import * as assert from 'node:assert/strict';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch, type WinchProcess} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox', 'conmon', 'script', 'setpriv');

/** Containers in the background, from terminals and pipes in the foreground. */
describe('e2e/background', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 180_000});
  let opened: Winch | undefined;
  const winch = () => opened ?? assert.fail('the image was not pulled');
  const run = (...words: readonly string[]) => winch().run(words);
  const succeed = async (...words: readonly string[]) => {
    const {exitCode, stdout, stderr} = await run(...words);
    assert.deepEqual([exitCode, stderr], [0, ''], words.join(' '));
    return stdout.trim();
  };

  before(async () => {
    if (skip !== undefined) return;
    await using registry = await startRegistry();
    registry.put('busybox', '1', busyboxImage());
    opened = makeWinch();
    for (const words of [
      ['pull', '-q', `${registry.host}/busybox:1`],
      ['tag', `${registry.host}/busybox:1`, 'busybox'],
      // Some drivers tell of the first run that layers are extracted for it.
      ['run', '--network', 'none', 'busybox', 'true'],
    ]) {
      assert.equal((await run(...words)).exitCode, 0);
    }
  });
  after(async () => {
    for (const id of (await succeed('ps', '-aq')).split('\n').filter(Boolean)) await run('rm', '-f', id);
    opened?.[Symbol.dispose]();
  });

  /** A line of shell on a terminal of its own, whose keyboard is the process's standard input. */
  const startOnTerminal = (line: string): WinchProcess =>
    winch().startShell('exec script --quiet --return --command "$LINE" /dev/null', {env: {LINE: line}, input: null});
  const linesOf = (text: string) => text.split('\r\n');
  /** What `stty -g` has printed. */
  const settingsIn = (text: string) => text.match(/(?:[0-9a-f]+:){20,}[0-9a-f]+/g) ?? [];

  test('exec gives a command the terminal, its size and its keys, and restores it', async () => {
    await succeed('run', '-d', '--name', 'target', '--network', 'none', 'busybox', 'sleep', '600');
    const {stdin, readStdout, exited} = startOnTerminal(
      `stty rows 33 cols 101; stty -g; winch exec -it target sh -c 'tty; stty size; trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.05; done'; code=$?; stty -g; exit $code`,
    );
    await waitFor(() => readStdout().includes('ready'));
    stdin.write('\x03');
    const {exitCode, stdout} = await exited;
    stdin.end();
    const lines = linesOf(stdout);
    assert.equal(exitCode, 5, stdout);
    assert.ok(lines.includes('33 101') && lines.includes('^Ccaught'), stdout);
    const settings = settingsIn(stdout);
    assert.deepEqual([settings.length, new Set(settings).size], [2, 1], stdout);
    await succeed('rm', '-f', 'target');
  });

  test('a shell in the background is started, left by keys and gone back to', async () => {
    await succeed('create', '-it', '--name', 'shell', '--network', 'none', 'busybox', 'sh');
    const first = startOnTerminal(
      'stty rows 33 cols 101; stty -g; winch start -ai shell; code=$?; stty -g; exit $code',
    );
    await waitFor(() => first.readStdout().includes('# '));
    first.stdin.write('stty size; x=kept\r');
    await waitFor(() => first.readStdout().includes('33 101'));
    first.stdin.write('\x10\x11');
    const left = await first.exited;
    first.stdin.end();
    assert.equal(left.exitCode, 0, left.stdout);
    const settings = settingsIn(left.stdout);
    assert.deepEqual([settings.length, new Set(settings).size], [2, 1], left.stdout);
    assert.equal(await succeed('inspect', '-f', '{{.State.Status}}', 'shell'), 'running');
    const second = startOnTerminal('winch attach --detach-keys a,b shell');
    second.stdin.write('echo "<$x>"; exit 7\r');
    const ended = await second.exited;
    second.stdin.end();
    assert.equal(ended.exitCode, 7, ended.stdout);
    assert.ok(ended.stdout.includes('<kept>'), ended.stdout);
    await succeed('rm', 'shell');
  });

  test('start passes on a pipe and ends with the code of the container', async () => {
    await succeed(
      'create',
      '-i',
      '--name',
      'filter',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      'cat; echo over >&2; exit 3',
    );
    const {exitCode, stdout, stderr} = await winch().run(['start', '-ai', 'filter'], {input: 'one\ntwo\n'});
    assert.deepEqual([exitCode, stdout, stderr], [3, 'one\ntwo\n', 'over\n']);
    await succeed('rm', 'filter');
  });

  test('attach passes on signals, and leaves the container when it is told not to', async () => {
    const script = 'trap "echo caught; exit 6" INT; while :; do echo tick; sleep 0.05; done';
    await succeed('run', '-d', '--name', 'loop', '--network', 'none', 'busybox', 'sh', '-c', script);
    const looking = winch().start(['attach', '--sig-proxy=false', 'loop']);
    await waitFor(() => looking.readStdout().includes('tick'));
    looking.child.kill('SIGINT');
    assert.equal((await looking.exited).exitCode, 130);
    const attached = winch().start(['attach', 'loop']);
    await waitFor(() => attached.readStdout().includes('tick'));
    attached.child.kill('SIGINT');
    const {exitCode, stdout} = await attached.exited;
    assert.deepEqual([exitCode, stdout.endsWith('tick\ncaught\n')], [6, true], stdout);
    await succeed('rm', 'loop');
  });
});
