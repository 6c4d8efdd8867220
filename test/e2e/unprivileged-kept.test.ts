import * as assert from 'node:assert/strict';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {eventually} from '../containers/kept/kept-store.ts';
import {tracesOf} from '../helpers/container-traces.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {describe} from '../helpers/suite.ts';
import {
  makeUnprivilegedWinch,
  missingForUser,
  type UnprivilegedWinch,
  type UserOptions,
} from '../helpers/unprivileged-user.ts';
import {waitFor} from '../helpers/wait-for.ts';

const TIMEOUT_MS = 240_000;
const skip =
  missingForUser('runc', 'busybox', 'conmon', 'nsenter') ??
  (process.env.WINCH_SNAPSHOTTER === 'erofs' ? 'root of a user namespace mounts no erofs' : undefined);
const TICKING = 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done';

interface Kept {
  readonly user: UnprivilegedWinch;
  readonly image: string;
  /** Runs a command that has to succeed. @returns what it prints, without the last newline */
  do(...words: readonly string[]): Promise<string>;
  /** Starts one in the background. @returns its id */
  keep(script: string, ...flags: readonly string[]): Promise<string>;
  /** Asserts that nothing of any container is left. */
  requireNoTraces(): Promise<void>;
}

describe('e2e/unprivileged-kept', ({test: declare}) => {
  const test = (title: string, body: (kept: Kept) => Promise<void>, options?: UserOptions) =>
    declare(
      title,
      async () => {
        await using user = await makeUnprivilegedWinch(options);
        const image = await pullBox(user.run);
        const kept = openKept(user, image);
        try {
          await body(kept);
        } finally {
          const ids = (await user.run(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
          if (ids.length > 0) await user.run(['rm', '-f', ...ids]);
        }
        await kept.requireNoTraces();
      },
      {skip, timeoutMs: TIMEOUT_MS},
    );

  for (const ranges of ['many', 'none'] as const satisfies readonly UserOptions['ranges'][]) {
    test(
      `a user keeps containers, and works on them from other commands, with ${ranges} subordinate ids`,
      async ({user, do: act, keep}) => {
        const id = await keep(TICKING, '--name', 'web');
        assert.match(id, /^[0-9a-f]{64}$/);
        const listed = await act('ps', '--format', '{{.ID}} {{.Names}} {{.State}}');
        assert.equal(listed, `${id.slice(0, 12)} web running`);
        await eventually(async () => (await act('logs', 'web')) === 'up');
        assert.equal(await act('exec', 'web', 'sh', '-c', 'id -u; cat /proc/1/comm'), '0\nsh');
        assert.match(await act('top', 'web'), /while :/);
        assert.equal(await act('inspect', '-f', '{{.State.Status}} {{.State.Running}}', 'web'), 'running true');
        await act('rename', 'web', 'site');
        await act('stop', 'site');
        assert.equal(await act('wait', 'site'), '9');
        assert.match(await act('ps', '-a', '--format', '{{.State}} {{.Status}}'), /^exited Exited \(9\)/);
        await act('start', 'site');
        await act('kill', '-s', 'KILL', 'site');
        assert.equal(await act('wait', 'site'), '137');
        requireRefusal(await user.run(['exec', 'site', 'true']), {code: 'CONTAINER_STOPPED', exit: 125});
        await act('rm', 'site');
        assert.equal(await act('ps', '-aq'), '');
      },
      {ranges},
    );
  }

  test('keeps what it writes, as whoever it is, and removes that', async ({user, do: act}) => {
    const script = 'echo once more >> /home/alice/log; chmod 700 /home/alice; id -u; cat /home/alice/log';
    await act('create', '--name', 'job', '--user', 'alice', await imageOf(user), 'sh', '-c', script);
    assert.equal(await act('start', '-a', 'job'), '1000\nonce more');
    assert.equal(await act('start', '-a', 'job'), '1000\nonce more\nonce more');
    assert.match(await act('ps', '-as', '--format', '{{.Size}}'), /\d/);
    assert.equal(await act('diff', 'job'), 'C /home\nC /home/alice\nA /home/alice/log');
    await act('rm', 'job');
  });

  test('ends what runs as another user of the image, by stop, by force and by the next start', async (kept) => {
    const {do: act, keep, user, image} = kept;
    const flags = ['--user', 'alice'];
    await keep(TICKING, ...flags, '--name', 'stopped');
    await keep(TICKING, ...flags, '--name', 'forced');
    await act('stop', '-t', '0', 'stopped');
    await act('rm', '-f', 'forced');
    await act('restart', '-t', '0', 'stopped');
    assert.equal(await act('ps', '--format', '{{.Names}}'), 'stopped');
    await act('restart', '-t', '0', 'stopped');
    await act('rm', '-f', 'stopped');
    const words = ['run', '--network', 'none', ...flags, image, 'sh', '-c', 'echo up; exec sleep 1000'];
    const front = user.winch.start(words, {within: user.within, env: user.env});
    await waitFor(() => front.readStdout() === 'up\n');
    const [id = ''] = readdirSync(join(runtimeOf(user), 'runc'));
    killAll(id, 'winch-lifeline');
    front.child.kill('SIGKILL');
    await act('run', '--network', 'none', image, 'true');
    assert.deepEqual(tracesOf([id], placesOf(user)), []);
    await front.exited;
  });

  test('attaches to it, with input, and starts it attached', async ({user, image, do: act}) => {
    await act('create', '-i', '--name', 'cat', image, 'sh', '-c', 'read -r line; echo "got $line"; exit 3');
    const {exitCode, stdout, stderr} = await user.run(['start', '-ai', 'cat'], {input: 'this\n'});
    assert.deepEqual([exitCode, stdout], [3, 'got this\n'], stderr);
    await act('start', 'cat');
    const later = await user.run(['attach', 'cat'], {input: 'that\n'});
    assert.deepEqual([later.exitCode, later.stdout], [3, 'got that\n'], later.stderr);
    await act('rm', 'cat');
  });

  test('goes by itself, and starts again by itself', async ({do: act, keep}) => {
    await keep('exit 0', '--rm');
    await eventually(async () => (await act('ps', '-aq')) === '');
    await keep('exit 1', '--restart', 'on-failure:2', '--name', 'again');
    await eventually(
      async () => (await act('inspect', '-f', '{{.RestartCount}} {{.State.Status}}', 'again')) === '2 exited',
    );
    await act('rm', 'again');
  });

  test('goes on without whoever started it, and is cleared when conmon is killed', async ({do: act, keep, user}) => {
    const id = await keep(TICKING, '--name', 'alone');
    const note = JSON.parse(readFileSync(join(user.winch.root, 'kept', id, 'start.json'), 'utf8'));
    process.kill(note.supervisor.pid, 'SIGKILL');
    assert.equal(await act('ps', '--format', '{{.Names}}'), 'alone');
    process.kill(note.process.pid, 'SIGKILL');
    await eventually(async () => (await act('ps', '-a', '--format', '{{.State}}')) === 'exited');
    assert.equal(existsSync(join(runtimeOf(user), 'kept', id)), false);
    await act('start', 'alone');
    assert.equal(await act('exec', 'alone', 'echo', 'here'), 'here');
    await act('rm', '-f', 'alone');
  });

  test('shares the network of another container', async ({do: act, keep, image}) => {
    await keep('busybox httpd -f -p 8080 -h /', '--name', 'server');
    const look = ['busybox', 'wget', '-qO-', 'http://127.0.0.1:8080/etc/hostname'];
    await eventually(
      async () => (await act('exec', 'server', 'sh', '-c', 'busybox netstat -lnt | grep -c 8080 || true')) === '1',
    );
    const seen = await act('run', '--network', 'container:server', image, ...look);
    assert.notEqual(seen, '');
    await act('create', '--network', 'container:server', '--name', 'client', image, ...look);
    assert.equal(await act('start', '-a', 'client'), seen);
    await act('rm', '-f', 'client', 'server');
  });

  test('copies files of one that runs and one that does not, and makes an image of it', async (kept) => {
    const {do: act, keep, user} = kept;
    await keep(`rm -r /home/alice; mkdir /home/alice; ${TICKING}`, '--name', 'files');
    await eventually(async () => (await act('logs', 'files')) === 'up');
    for (const state of ['running', 'exited']) {
      if (state === 'exited') await act('stop', '-t', '0', 'files');
      await act('cp', '/etc/hostname', `files:/${state}`);
      const copied = join(user.winch.directory, state);
      await act('cp', `files:/${state}`, copied);
      assert.equal(readFileSync(copied, 'utf8'), readFileSync('/etc/hostname', 'utf8'));
      const {stderr} = requireSuccess(await user.run(['commit', 'files', `files:${state}`]));
      assert.equal(/CGROUP_MISSING/.test(stderr), state === 'running');
      assert.equal(await act('run', '--network', 'none', `files:${state}`, 'ls', '/home/alice'), '');
    }
    await act('rm', 'files');
  });

  test('refuses what needs a cgroup of its own', async ({do: act, keep, user, image}) => {
    await keep(TICKING, '--name', 'one');
    for (const words of [
      ['pause', 'one'],
      ['stats', '--no-stream', 'one'],
      ['update', '--memory', '64m', 'one'],
    ]) {
      requireRefusal(await user.run(words), {code: 'CGROUP_MISSING'});
    }
    const limited = await user.run(['run', '-d', '--memory', '64m', image, 'true']);
    requireRefusal(limited, {code: 'CGROUP_CONTROLLER_MISSING', exit: 125});
    assert.equal(await act('ps', '-aq', '--filter', 'status=created'), '');
    await act('rm', '-f', 'one');
  });
});

function openKept(user: UnprivilegedWinch, image: string): Kept {
  const act = async (...words: readonly string[]) => requireSuccess(await user.run(words)).stdout.replace(/\n$/, '');
  return {
    user,
    image,
    do: act,
    keep: (script, ...flags) => act('run', '-d', '--network=none', ...flags, image, 'sh', '-c', script),
    requireNoTraces: async () => {
      const {winch} = user;
      // What watches over a run looks once more a little later.
      await waitFor(() => tracesOf([winch.directory], placesOf(user)).length === 0).catch(() =>
        assert.deepEqual(tracesOf([winch.directory], placesOf(user)), []),
      );
      assert.deepEqual(
        ['kept', 'containers', 'runc'].flatMap((name) =>
          visibleIn(join(runtimeOf(user), name)).concat(visibleIn(join(winch.root, name))),
        ),
        [],
      );
    },
  };
}

const imageOf = async (user: UnprivilegedWinch): Promise<string> =>
  requireSuccess(await user.run(['images', '-q'])).stdout.trim();

const runtimeOf = ({winch}: UnprivilegedWinch): string => join(winch.directory, 'runtime', 'winch');

const placesOf = (user: UnprivilegedWinch) => ({root: user.winch.root, runtimeDirectory: runtimeOf(user)});

const visibleIn = (path: string): readonly string[] =>
  existsSync(path) ? readdirSync(path).filter((name) => !name.startsWith('.')) : [];

/** Kills the processes with both of these words on their command line. */
function killAll(...words: readonly string[]): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const line = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') : [];
    if (words.every((word) => line.includes(word))) process.kill(Number(pid), 'SIGKILL');
  }
}
