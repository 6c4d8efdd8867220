import * as assert from 'node:assert/strict';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {
  makeUnprivilegedWinch,
  missingForUser,
  type UnprivilegedWinch,
  type UserOptions,
} from '../helpers/unprivileged-user.ts';
import {waitFor} from '../helpers/wait-for.ts';

const SPAWN_PROGRAM = fileURLToPath(new URL('../helpers/spawn-program.ts', import.meta.url));
const TIMEOUT_MS = 180_000;
const DRIVER = process.env.WINCH_SNAPSHOTTER;
const skip = missingForUser('runc', 'busybox') ?? (DRIVER === 'erofs' ? 'a user namespace mounts no EROFS' : undefined);
/** What is said by the driver: layers are extracted once, or all files are copied for each run. */
const SAID =
  DRIVER === 'copy'
    ? {first: /^$/, incomplete: /COPY_INCOMPLETE: not all files of this run/, again: /COPY_INCOMPLETE/}
    : {first: /extracting/, incomplete: /LAYER_INCOMPLETE: not all files of layer \w+/, again: /^$/};

/** Whiteouts, an opaque directory, files of other owners and directories that only those may enter. */
const UPPER = buildTar([
  {path: 'etc/.wh.group'},
  {path: 'home/alice/', type: 'directory', mode: 0o755, uid: 1000, gid: 1000},
  {path: 'home/alice/.wh..wh..opq'},
  {path: 'home/alice/own', content: 'own', uid: 1000, gid: 1000},
  {path: 'srv/', type: 'directory', mode: 0o700, uid: 1000, gid: 1000},
  {path: 'srv/secret', content: 'secret', mode: 0o600, uid: 1000, gid: 1000},
]);
const HIDDEN = buildTar([{path: 'home/alice/below', content: 'below'}]);

/** Whether a path is on the command line of any process. */
const isMentioned = (path: string): boolean =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => readOrEmpty(`/proc/${pid}/cmdline`).includes(path));

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe('e2e/unprivileged', ({test: declare}) => {
  const test = (
    title: string,
    body: (user: UnprivilegedWinch, image: string) => Promise<void>,
    options?: UserOptions,
  ) =>
    declare(
      title,
      async () => {
        await using registry = await startRegistry();
        registry.put('box', '1', busyboxImage({layers: [HIDDEN, UPPER]}));
        await using user = await makeUnprivilegedWinch(options);
        const image = `${registry.host}/box:1`;
        requireSuccess(await user.run(['pull', '-q', image]));
        await body(user, image);
      },
      {skip, timeoutMs: TIMEOUT_MS},
    );
  const run = (user: UnprivilegedWinch, image: string, script: string, flags: readonly string[] = []) =>
    user.run(['run', '--network', 'none', ...flags, image, 'sh', '-c', script]);

  test('runs an image with all of its owners, and takes away what it left', async (user, image) => {
    const script = 'stat -c %u:%g:%a / /home/alice /home/alice/own /srv; ls /home/alice /etc; id -u; exit 7';
    const {exitCode, stdout, stderr} = await run(user, image, script);
    assert.equal(
      stdout,
      '0:0:755\n1000:1000:755\n1000:1000:644\n1000:1000:700\n/etc:\nhostname\nhosts\npasswd\nresolv.conf\n\n/home/alice:\nown\n0\n',
    );
    assert.equal(exitCode, 7, stderr);
    assert.match(stderr, SAID.first);
    assert.doesNotMatch(stderr, /INCOMPLETE/);
    requireSuccess(await user.run(['rmi', image]));
    assert.deepEqual(readdirSync(join(user.winch.root, 'layers', 'sha256')), []);
    assert.equal(existsSync(join(user.winch.root, 'trash')), false);
  });

  test(
    'U20 keeps files of others unread and counts them where the user has one id only',
    async (user, image) => {
      const {exitCode, stdout, stderr} = await run(user, image, 'stat -c %u:%g /home/alice/own; ls /home/alice; id -u');
      assert.equal(exitCode, 0, stderr);
      assert.equal(stdout, '0:0\nown\n0\n');
      assert.match(stderr, SAID.incomplete);
      assert.match(stderr, /are as in the image: 4 belong to you instead/);
      const again = requireSuccess(await run(user, image, 'true'));
      assert.match(again.stderr, SAID.again);
      const refusal = await run(user, image, 'id', ['--user', 'alice']);
      requireRefusal(refusal, {code: 'USER_UNMAPPED', exit: 125});
      requireSuccess(await user.run(['rmi', image]));
    },
    {ranges: 'none'},
  );

  test(
    'U20 goes on with one id where newuidmap is missing',
    async (user, image) => {
      const {stdout} = requireSuccess(await run(user, image, 'cat /proc/self/uid_map | wc -l'));
      assert.equal(stdout, '1\n');
    },
    {without: '/usr/bin/newuidmap'},
  );

  test('runs as another user of the image, who may write to what is theirs alone', async (user, image) => {
    const script = 'id -u; echo mine > /home/alice/new && cat /srv/secret && ! touch /etc/new 2> /dev/null';
    const {stdout} = requireSuccess(await run(user, image, script, ['--user', 'alice']));
    assert.equal(stdout, '1000\nmine\nsecret'.replace('mine\n', ''));
  });

  test('finds the programs of the system whatever PATH says', async (user, image) => {
    const within = [...user.within, 'env', 'PATH=/nowhere'];
    const {env} = user;
    const ran = await user.winch.run(['run', '--network', 'none', image, 'cat', '/proc/self/uid_map'], {within, env});
    assert.equal(requireSuccess(ran).stdout.trim().split('\n').length, 2);
  });

  test('measures, checks and prunes what belongs to other owners', async (user, image) => {
    requireSuccess(await run(user, image, 'true'));
    requireSuccess(await user.run(['df']));
    requireSuccess(await user.run(['check']));
    requireSuccess(await user.run(['untag', image]));
    requireSuccess(await user.run(['prune', '--all']));
    assert.deepEqual(readdirSync(join(user.winch.root, 'layers', 'sha256')), []);
  });

  test('spawns containers with the library, which removes what belongs to others as well', async (user, image) => {
    const places = [user.winch.root, join(user.winch.directory, 'runtime', 'winch')];
    const within = [...user.within, 'env', 'PATH=/nowhere'];
    const [program = '', ...words] = [...within, process.execPath, SPAWN_PROGRAM, ...places, image];
    const {exitCode, stdout, stderr} = await runProgram(program, words);
    assert.equal(exitCode, 0, stderr);
    assert.equal(stdout, '1000\n0\n');
    assert.deepEqual(readdirSync(join(user.winch.root, 'layers', 'sha256')), []);
    assert.equal(existsSync(join(user.winch.root, 'trash')), false);
  });

  test('refuses limits that it could not keep', async (user, image) => {
    for (const limit of [
      '--memory=64m',
      '--blkio-weight=500',
      '--device-cgroup-rule=c 13:* rwm',
      '--cgroup-parent=/ci',
    ]) {
      requireRefusal(await run(user, image, 'true', [limit]), {code: 'CGROUP_CONTROLLER_MISSING', exit: 125});
    }
  });

  test('leaves nothing when it is killed', async (user, image) => {
    requireSuccess(await run(user, image, 'true'));
    const words = ['run', '--network', 'none', '--name', 'long', image, 'sh', '-c', 'echo started; exec sleep 1000'];
    const process = user.winch.start(words, {within: user.within, env: user.env});
    await waitFor(() => process.readStdout() === 'started\n');
    process.child.kill('SIGKILL');
    await process.exited;
    requireSuccess(await run(user, image, 'true', ['--name', 'long']));
    const left = (path: string) => readdirSync(path).filter((name) => !name.startsWith('.'));
    assert.deepEqual(left(join(user.winch.root, 'containers')), []);
    assert.deepEqual(left(join(user.winch.directory, 'runtime', 'winch', 'containers')), []);
    assert.deepEqual(left(join(user.winch.directory, 'runtime', 'winch', 'runc')), []);
    // What watches over the container looks once more a little later.
    await waitFor(() => !isMentioned(user.winch.directory));
  });

  test('runs a bundle, and shares the network of the machine', async (user, image) => {
    const bundle = join(user.winch.directory, 'bundle');
    const {stderr} = requireSuccess(
      await user.run(['bundle', '--entrypoint', '/bin/cat', image, bundle, '/etc/passwd']),
    );
    assert.match(stderr, /BUNDLE_INCOMPLETE/);
    assert.match(requireSuccess(await user.run(['run', '--bundle', bundle])).stdout, /^root:x:0:0/);
    const words = ['run', '--network', 'host', image, 'cat', '/proc/net/dev'];
    assert.match(requireSuccess(await user.run(words)).stdout, /eth0|lo/);
  });

  test(
    'U20 names what is missing and what adds it',
    async (user) => {
      const {stdout} = requireSuccess(await user.run(['doctor']));
      assert.match(
        stdout,
        /^limited +subordinate ids +none for tester: .*\n +sudo usermod --add-subuids \d+-\d+ .* tester$/m,
      );
      assert.match(stdout, /^ok +driver overlay /m);
      assert.match(stdout, /^limited +limits /m);
    },
    {ranges: 'none'},
  );

  test(
    'says in one line that namespaces cannot be made',
    async (user, image) => {
      requireRefusal(await run(user, image, 'true'), {code: 'USER_NAMESPACE_DENIED', exit: 125});
      const {exitCode, stdout} = await user.run(['doctor', '--format', 'json']);
      assert.equal(exitCode, 1);
      const {canRun, checks} = JSON.parse(stdout);
      assert.equal(canRun, false);
      const missing = checks.find(({name}: {name: string}) => name === 'user namespace');
      assert.equal(missing.state, 'missing');
      assert.equal(missing.remedy, 'sudo apt-get install util-linux');
      requireSuccess(await user.run(['rmi', image]));
    },
    {without: '/usr/bin/unshare'},
  );
});
