import * as assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecRequest} from '../../src/containers/kept/exec-container.ts';
import {eventually} from '../containers/kept/kept-store.ts';
import {namesIn} from '../helpers/container-traces.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {type ProgramExit, runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser, type UserOptions} from '../helpers/unprivileged-user.ts';

const TIMEOUT_MS = 240_000;
const programOf = (name: string) => fileURLToPath(new URL(`../containers/kept/${name}`, import.meta.url));
const [EXEC, CALL] = [programOf('exec-program.ts'), programOf('call-program.ts')];
const DRIVER = process.env.WINCH_SNAPSHOTTER;
const skip =
  missingForUser('runc', 'busybox', 'conmon', 'nsenter') ??
  (DRIVER === 'erofs' ? 'a user namespace mounts no EROFS' : undefined);

/** What a program of a user does with the library, in its own process, which is never root of anything. */
interface Library {
  /** `winch` with these words, which has to succeed. @returns what it prints */
  act(...words: readonly string[]): Promise<string>;
  exec(container: string, request: ExecRequest, input?: string): Promise<ProgramExit>;
  /** Makes a call about containers, which has to succeed. */
  call(name: string, ...words: readonly unknown[]): Promise<void>;
  readonly image: string;
  readonly directory: string;
}

describe('e2e/unprivileged-library', ({test: declare}) => {
  const test = (title: string, body: (library: Library) => Promise<void>, options?: UserOptions) =>
    declare(
      title,
      async () => {
        await using user = await makeUnprivilegedWinch(options);
        const {directory, root} = user.winch;
        const runtimeDirectory = join(directory, 'runtime', 'winch');
        const settings = JSON.stringify({root, runtimeDirectory, snapshotter: DRIVER});
        const [program = '', ...before] = [...user.within, 'env', `HOME=${directory}`, process.execPath];
        const run = (words: readonly string[], input?: string) => runProgram(program, [...before, ...words], input);
        const act = async (...words: readonly string[]) => requireSuccess(await user.run(words)).stdout.trimEnd();
        const image = await pullBox(user.run);
        try {
          await body({
            act,
            exec: (container, request, input) => run([EXEC, settings, container, JSON.stringify(request)], input),
            call: async (name, ...words) => {
              const {exitCode, stderr} = await run([CALL, settings, name, JSON.stringify(words)]);
              assert.equal(exitCode, 0, stderr);
            },
            ...{image, directory},
          });
        } finally {
          await user.run(['rm', '-f', 'box']);
        }
        for (const name of ['kept', 'runc', 'exec'])
          assert.deepEqual(
            namesIn(join(runtimeDirectory, name)).filter((entry) => entry !== '.locks'),
            [],
          );
      },
      {skip, timeoutMs: TIMEOUT_MS},
    );

  for (const ranges of ['many', 'none'] as const) {
    test(
      `a command runs in a container, with the streams of the caller, with ${ranges} subordinate ids`,
      async ({act, exec, image}) => {
        await act('run', '-d', '--network=none', '--name', 'box', image, 'sleep', '600');
        const script = 'id -u; cat; echo problem >&2; exit 4';
        const ended = await exec('box', {command: ['sh', '-c', script], interactive: true}, 'in\n');
        assert.deepEqual(ended, {exitCode: 4, stdout: '0\nin\n', stderr: 'problem\n'});
        const environment = ['A=b c'];
        const asked = {command: ['sh', '-c', 'echo "$A"; pwd'], environment, workingDirectory: '/etc'};
        assert.equal((await exec('box', asked)).stdout, 'b c\n/etc\n');
        const refused = await exec('box', {command: ['nothing']});
        assert.deepEqual([refused.exitCode, refused.stderr], [99, 'COMMAND_NOT_FOUND\n']);
        for (const terminal of [false, true]) {
          const command = ['sh', '-c', `tty > /tty-${terminal}; echo over >> /tty-${terminal}`];
          assert.deepEqual(await exec('box', {command, detach: true, terminal}), {exitCode: 0, stdout: '', stderr: ''});
          const told = terminal ? '/dev/pts/0\nover' : 'not a tty\nover';
          await eventually(async () => (await act('exec', 'box', 'cat', `/tty-${terminal}`)) === told);
        }
        await act('stop', '-t', '0', 'box');
        assert.equal((await exec('box', {command: ['true']})).stderr, 'CONTAINER_STOPPED\n');
      },
      {ranges},
    );
  }

  test('as somebody else of the image, who is told from the account files of the container', async (library) => {
    const {act, exec, image} = library;
    await act('run', '-d', '--network=none', '--user', 'alice', '--name', 'box', image, 'sleep', '600');
    assert.equal((await exec('box', {command: ['id', '-un']})).stdout, 'alice\n');
    assert.equal((await exec('box', {command: ['id', '-u'], user: 'root'})).stdout, '0\n');
    assert.equal((await exec('box', {command: ['id'], user: 'nobody-knows'})).stderr, 'USER_UNKNOWN\n');
  });

  test('a container is checked, and who watches it comes back', async ({act, call, image}) => {
    const flags = ['--health-cmd', 'test -e /well', '--health-interval', '1h', '--health-retries', '1'];
    await act('run', '-d', '--network=none', '--name', 'box', ...flags, image, 'sleep', '600');
    const health = () => act('inspect', '-f', '{{.State.Health.Status}}', 'box');
    await call('checkHealth', 'box');
    assert.equal(await health(), 'unhealthy');
    await act('exec', 'box', 'touch', '/well');
    await call('checkHealth', 'box');
    assert.equal(await health(), 'healthy');
  });

  test('files go in and out of one that runs and one that does not', async ({act, call, image, directory}) => {
    await act('run', '-d', '--network=none', '--user', 'alice', '--name', 'box', image, 'sleep', '600');
    writeFileSync(join(directory, 'put'), 'content\n', {mode: 0o644});
    for (const state of ['running', 'exited']) {
      if (state === 'exited') await act('stop', '-t', '0', 'box');
      await call('copyTo', {container: 'box', source: join(directory, 'put'), path: `/${state}`});
      const destination = join(directory, state);
      await call('copyFrom', {container: 'box', path: `/${state}`, destination});
      assert.equal(readFileSync(destination, 'utf8'), 'content\n');
      await call('commit', 'box', {reference: `box:${state}`});
      assert.equal(await act('cat', `box:${state}:/${state}`), 'content');
    }
    assert.equal(await act('diff', 'box'), 'A /exited\nA /running');
  });
});
