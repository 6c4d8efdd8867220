import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch, type WinchExit} from '../helpers/winch.ts';
import {driverSkip} from '../snapshots/driver-rig.ts';

const skip = missingFor('runc', 'busybox', 'unshare', 'nsenter') ?? driverSkip('fuse-overlayfs');
const FUSE = {WINCH_SNAPSHOTTER: 'fuse-overlayfs'};

describe('containers: fuse-overlayfs', ({test: declare}) => {
  const test = (title: string, body: (winch: Winch) => unknown) =>
    declare(
      title,
      async () => {
        await using registry = await startRegistry();
        const upper = buildTar([{path: 'etc/.wh.group'}, {path: 'etc/more', content: 'more'}, {path: 'own/.wh.ghost'}]);
        registry.put('box', '1', busyboxImage({layers: [upper]}));
        using winch = makeWinch();
        requireSuccess(await winch.run(['pull', '--insecure', `${registry.host}/box:1`]));
        requireSuccess(await winch.run(['tag', `${registry.host}/box:1`, 'box']));
        await body(winch);
      },
      {skip},
    );
  const wordsOf = (script: string) => ['run', '--pull', 'never', '-i', 'box', 'sh', '-c', script];

  test('a container reads and writes its files, and no process is left', async (winch) => {
    const script = 'ls -d etc/more etc/group; ls own; echo x >> etc/more; cat etc/more; rm etc/passwd; ls -d etc/p*';
    const first = await winch.run(wordsOf(script), {env: FUSE});
    assert.is(first.stdout, 'etc/more\nmorex\n', first.stderr);
    const second = requireSuccess(await winch.run(wordsOf('cat etc/more; ls etc/passwd'), {env: FUSE}));
    assert.is(second.stdout, 'moreetc/passwd\n');
    await waitFor(() => findServers().length === 0);
  });

  test('its process outlives a signal to the container, and not a killed winch', async (winch) => {
    const running = winch.start(wordsOf('trap "cat etc/more" INT; echo ready; read line; read line'), {
      env: FUSE,
      input: null,
    });
    await waitFor(() => running.readStdout() === 'ready\n');
    const servers = findServers();
    assert.is(servers.length, 1);
    running.child.kill('SIGINT');
    running.stdin.write('go on\n');
    await waitFor(() => running.readStdout() === 'ready\nmore');
    running.child.kill('SIGKILL');
    await running.exited;
    await waitFor(() => findServers().length === 0);
    assert.is(requireSuccess(await winch.run(wordsOf('cat etc/more'), {env: FUSE})).stdout, 'more');
  });

  test('says what is missing where it cannot work', async (winch) => {
    const empty = join(winch.directory, 'empty');
    mkdirSync(empty);
    await using without = await openMountNamespace('mount -t tmpfs none /dev && : > /dev/null', empty);
    const refused = await winch.run(wordsOf('true'), {env: FUSE, within: without.within});
    assert.is(refused.exitCode, 125, refused.stderr);
    assert.match(refused.stderr, /MOUNT_UNSUPPORTED: there is no \/dev\/fuse/);
    const info = requireSuccess(await winch.run(['info'], {env: FUSE, within: without.within}));
    assert.match(
      info.stdout,
      /^Snapshots: fuse-overlayfs, as asked for, does not work here: there is no \/dev\/fuse$/m,
    );
    assert.match(requireSuccess(await winch.run(['info'], {env: FUSE})).stdout, /asked for, works here$/m);
  });
});

/** Processes that serve mounts of winch. */
function findServers(): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false;
    try {
      return /fuse-overlayfs\0-f\0.*\/run\/winch\//.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    } catch {
      return false;
    }
  });
}

function requireSuccess(exit: WinchExit): WinchExit {
  assert.is(exit.exitCode, 0, exit.stderr);
  return exit;
}
