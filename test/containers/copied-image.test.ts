import {existsSync, mkdirSync, readdirSync} from 'node:fs';
import {release} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {readBootId} from '../../src/host/boot-id.ts';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {missingFor} from '../helpers/requires.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch, type WinchExit} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox', 'conmon', 'unshare', 'nsenter');
const COPY = {WINCH_SNAPSHOTTER: 'copy'};
const BOX = 'box';

describe('containers: copied images', ({test: declare}) => {
  const test = (title: string, body: (winch: Winch) => unknown) =>
    declare(
      title,
      async () => {
        await using registry = await startRegistry();
        const upper = buildTar([{path: 'etc/.wh.group'}, {path: 'etc/more', content: 'more'}]);
        registry.put(BOX, '1', busyboxImage({layers: [upper]}));
        using winch = makeWinch();
        requireSuccess(await winch.run(['pull', '--insecure', `${registry.host}/${BOX}:1`]));
        requireSuccess(await winch.run(['tag', `${registry.host}/${BOX}:1`, BOX]));
        requireSuccess(await winch.run(['untag', `${registry.host}/${BOX}:1`]));
        await body(winch);
        assert.equal(findStoreProblems(winch.root), []);
      },
      {skip},
    );
  const wordsOf = (script: string) => ['run', '--pull', 'never', '-i', BOX, 'sh', '-c', script];
  const copiesOf = ({root}: Winch) => {
    const parent = join(root, 'containers');
    const names = existsSync(parent) ? readdirSync(parent).filter((name) => name !== '.locks') : [];
    return names.map((name) => join(parent, name, 'rootfs'));
  };

  test('a run has a tree of its own, as the layers make it, and leaves nothing of it', async (winch) => {
    const script = 'ls -d etc/more etc/group; cat etc/more; echo x > etc/more; echo y > new';
    const first = requireSuccess(await winch.run(wordsOf(script), {env: COPY}));
    assert.equal([first.stdout, copiesOf(winch)], ['etc/more\nmore', []]);
    const second = requireSuccess(await winch.run(wordsOf('cat etc/more; ls -d new || true'), {env: COPY}));
    assert.equal([second.stdout, copiesOf(winch)], ['more', []]);
    assert.not(existsSync(join(winch.root, 'layers', 'sha256', 'fs')));
  });

  test('a container that may not write its root cannot, and has its own tree still', async (winch) => {
    const words = ['run', '--pull', 'never', '--read-only', BOX, 'sh', '-c', 'cat etc/more; echo x > new'];
    const {stdout, stderr} = await winch.run(words, {env: COPY});
    assert.is(stdout, 'more');
    assert.match(stderr, 'Read-only file system');
  });

  test('an image can be removed while a copy of it runs', async (winch) => {
    const running = winch.start(wordsOf('echo ready; read line; cat etc/more; exec ls bin/busybox'), {
      env: COPY,
      input: null,
    });
    await waitFor(() => running.readStdout() === 'ready\n');
    requireSuccess(await winch.run(['rmi', '--force', BOX]));
    requireSuccess(await winch.run(['prune']));
    assert.equal(readdirSync(join(winch.root, 'layers/sha256')), []);
    running.stdin.end('go on\n');
    assert.is(requireSuccess(await running.exited).stdout, 'ready\nmorebin/busybox\n');
  });

  test('the next command removes what a killed winch has copied', async (winch) => {
    const running = winch.start(wordsOf('echo ready; read line'), {env: COPY, input: null});
    await waitFor(() => running.readStdout() === 'ready\n');
    const [copy = ''] = copiesOf(winch);
    assert.ok(existsSync(join(copy, 'etc/more')));
    running.child.kill('SIGKILL');
    await running.exited;
    requireSuccess(await winch.run(wordsOf('true'), {env: COPY}));
    assert.equal(copiesOf(winch), []);
  });

  test('a copy goes where there is room, and one that has none says how much it takes', async (winch) => {
    requireSuccess(await winch.run(wordsOf('true'), {env: COPY}));
    mkdirSync('/run/winch', {recursive: true, mode: 0o700});
    const small = 'mount -t tmpfs -o size=1m none';
    await using short = await openMountNamespace(`${small} "$1"`, join(winch.root, 'containers'));
    const elsewhere = await winch.run(wordsOf('cat etc/more'), {env: COPY, within: short.within});
    assert.is(requireSuccess(elsewhere).stdout, 'more');
    await using full = await openMountNamespace(`${small} "$1"; ${small} /run/winch`, join(winch.root, 'containers'));
    const refused = await winch.run(wordsOf('true'), {env: COPY, within: full.within});
    assert.is(refused.exitCode, 125, refused.stderr);
    assert.match(refused.stderr, /STORE_FULL: a copy of the image takes \d+ MB, and \/.* has room for 1 MB, \/run\//);
  });

  test('a copy is what is left where layers are neither mounted nor extracted, and winch info says so', async (winch) => {
    const reason = 'no such file system';
    const facts = {kernel: release(), boot: readBootId(), isInitial: true, name: 'overlay', reason};
    mkdirSync('/run/winch', {recursive: true, mode: 0o700});
    // As in a container, whose root is an overlay: it takes no marks of another one.
    const store =
      'mount -t tmpfs none /mnt; cd /mnt; mkdir u w; mount -t overlay none -o "lowerdir=$1,upperdir=u,workdir=w" "$1"';
    const script = `mount -t tmpfs none /run/winch; echo "$2" > /run/winch/snapshotter.json; ${store}`;
    await using namespace = await openMountNamespace(script, winch.root, JSON.stringify(facts));
    const call = {...namespace, env: {WINCH_SNAPSHOTTER: ''}};
    const {stdout, stderr} = await winch.run(wordsOf('cat etc/more; ls -d etc/group || true'), call);
    assert.is(stdout, 'more', stderr);
    assert.match(stderr, `SNAPSHOTTER_FALLBACK: all files are copied for this run`);
    assert.match(stderr, `${reason}; files of a layer cannot be as in the image below`);
    assert.is(stderr.split('SNAPSHOTTER_FALLBACK').length, 2, stderr);
    const kept = ['--name', 'kept', BOX, 'sh', '-c', 'echo x >> etc/more; cat etc/more; ls -d etc/group || true'];
    const made = requireSuccess(await winch.run(['create', '--pull', 'never', ...kept], call));
    assert.match(
      made.stderr,
      `SNAPSHOTTER_FALLBACK: all files are copied for this container, which takes time and space`,
    );
    assert.is(requireSuccess(await winch.run(['start', '-a', 'kept'], call)).stdout, 'morex\n');
    assert.is(requireSuccess(await winch.run(['start', '-a', 'kept'], call)).stdout, 'morex\nx\n');
    requireSuccess(await winch.run(['rm', 'kept'], call));
    const asked = await winch.run(wordsOf('true'), {...namespace, env: {WINCH_SNAPSHOTTER: 'overlay'}});
    assert.match(asked.stderr, 'EXTRACT_UNSUPPORTED');
    const info = requireSuccess(await winch.run(['info', '--snapshotter', 'overlay'], namespace));
    assert.match(
      info.stdout,
      /^Snapshots: overlay, as asked for, works here: no whiteouts .*: images .* cannot be run$/m,
    );
  });

  test('winch info says that it was asked for', async (winch) => {
    const {stdout} = requireSuccess(await winch.run(['info', '--snapshotter', 'copy']));
    assert.match(stdout, /^Snapshots: copy, as asked for, works here$/m);
  });
});

function requireSuccess(exit: WinchExit): WinchExit {
  assert.is(exit.exitCode, 0, exit.stderr);
  return exit;
}
