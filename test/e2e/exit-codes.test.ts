import * as assert from 'node:assert/strict';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor, missingRoot} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skipRuns = missingFor('runc', 'busybox');
const skip = missingFor('runc', 'busybox', 'conmon', 'setpriv');
const NETWORK = ['--network', 'none'];
const MEMORY = 'too much memory';

interface Row {
  readonly what: string;
  readonly flags?: readonly string[];
  readonly command: readonly string[];
  readonly code: number;
  /** In the message of a command that has not started. */
  readonly says?: RegExp;
}

/** Docker's table of exit codes (docs.docker.com, "Exit status"), and what stands beside it in shells. */
const ROWS: readonly Row[] = [
  {what: 'success', command: ['true'], code: 0},
  {what: 'a code of its own', command: ['sh', '-c', 'exit 3'], code: 3},
  {what: 'the largest code', command: ['sh', '-c', 'exit 255'], code: 255},
  {
    what: 'the death of a child by SIGKILL',
    command: ['sh', '-c', 'exec 2>/dev/null; sh -c "kill -9 \\$\\$"; exit $?'],
    code: 137,
  },
  {
    what: 'the death of a child by SIGTERM',
    command: ['sh', '-c', 'exec 2>/dev/null; sh -c "kill \\$\\$"; exit $?'],
    code: 143,
  },
  {what: MEMORY, command: ['tail', '/dev/zero'], code: 137},
  {what: 'a program that is not there', command: ['nothing'], code: 127, says: /COMMAND_NOT_FOUND: .*nothing/},
  {what: 'a path that is not there', command: ['/none/such'], code: 127, says: /COMMAND_NOT_FOUND: .*such/},
  {what: 'a file that is no program', command: ['/etc/passwd'], code: 126, says: /COMMAND_NOT_EXECUTABLE: .*passwd/},
  {what: 'a directory', command: ['/etc'], code: 126, says: /COMMAND_NOT_EXECUTABLE: .*directory/},
  {
    what: 'an unknown user',
    flags: ['--user', 'no-such'],
    command: ['true'],
    code: 125,
    says: /USER_UNKNOWN: .*no-such/,
  },
  {what: 'an unknown flag', flags: ['--no-such'], command: ['true'], code: 125, says: /FLAG_UNKNOWN: .*no-such/},
];

describe('e2e/exit-codes', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, missing: string | null = skip ?? null) =>
    declare(title, body, {skip: missing ?? undefined, timeoutMs: 120_000});
  let opened: Winch | undefined;
  const winch = () => opened ?? assert.fail('the image was not pulled');
  const run = (...words: readonly string[]) => winch().run(words);

  before(async () => {
    if (skipRuns !== undefined) return;
    await using registry = await startRegistry();
    registry.put('busybox', '1', busyboxImage());
    opened = makeWinch();
    const setUp = [
      ['pull', '-q', `${registry.host}/busybox:1`],
      ['tag', `${registry.host}/busybox:1`, 'busybox'],
      // Some drivers tell of the first run that layers are extracted for it.
      ['run', ...NETWORK, 'busybox', 'true'],
      ...(skip === undefined
        ? [['run', '-d', '--name', 'target', '--memory', '32m', ...NETWORK, 'busybox', 'sleep', '600']]
        : []),
    ];
    for (const words of setUp) assert.equal((await run(...words)).exitCode, 0, words.join(' '));
  });
  after(async () => {
    for (const id of (await opened?.run(['ps', '-aq']))?.stdout.split('\n').filter(Boolean) ?? []) {
      await run('rm', '-f', id);
    }
    opened?.[Symbol.dispose]();
  });

  const LIMITS = [...(missingRoot() === undefined ? ['--memory', '32m'] : []), ...NETWORK];
  for (const {what, flags = [], command, code, says} of ROWS) {
    const runs = async () => {
      const {exitCode, stderr} = await run('run', ...LIMITS, ...flags, 'busybox', ...command);
      assert.equal(exitCode, code, stderr);
      assert.match(stderr, what === MEMORY ? /killed: out of memory/ : (says ?? /^$/));
    };
    test(`run: ${code} for ${what}`, runs, skipRuns ?? (what === MEMORY ? missingRoot() : undefined) ?? null);

    test(`run --detach and wait: ${code} for ${what}`, async () => {
      const name = `job-${what.replaceAll(' ', '-')}`;
      const started = await run('run', '-d', '--name', name, ...LIMITS, ...flags, 'busybox', ...command);
      if (says) {
        assert.equal(started.exitCode, code, started.stderr);
        assert.match(started.stderr, says);
        return;
      }
      assert.equal((await run('wait', name)).stdout, `${code}\n`);
      const inspected = await run('inspect', '-f', '{{.State.ExitCode}} {{.State.OOMKilled}}', name);
      assert.equal(inspected.stdout, `${code} ${what === MEMORY}\n`);
    });

    test(`exec: ${code} for ${what}`, async () => {
      const {exitCode, stderr} = await run('exec', ...flags, 'target', ...command);
      assert.equal(exitCode, code, stderr);
      assert.match(stderr, says ?? /^$/);
    });
  }

  test('137 for what is killed from outside, however it was started', async () => {
    const script = ['sh', '-c', 'echo up; while :; do sleep 1; done'];
    const front = winch().start(['run', '--name', 'front', ...NETWORK, 'busybox', ...script]);
    await waitFor(() => front.readStdout() === 'up\n');
    assert.equal((await run('run', '-d', '--name', 'back', ...NETWORK, 'busybox', ...script)).exitCode, 0);
    assert.equal((await run('kill', 'front', 'back')).exitCode, 0);
    assert.equal((await front.exited).exitCode, 137);
    assert.equal((await run('wait', 'back')).stdout, '137\n');
  });

  test('125 for a container that there is not', async () => {
    for (const words of [
      ['exec', 'none', 'true'],
      ['start', 'none'],
      ['attach', 'none'],
      ['restart', 'none'],
    ]) {
      const {exitCode, stderr} = await run(...words);
      assert.equal(exitCode, 125, stderr);
      assert.match(stderr, /CONTAINER_UNKNOWN/);
    }
  });
});
