import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch, type WinchExit} from '../helpers/winch.ts';

const DRIVER = process.env.WINCH_SNAPSHOTTER ?? 'erofs';
const skip =
  missingFor('runc', 'busybox', 'unshare', 'nsenter') ??
  (['erofs', 'overlay'].includes(DRIVER) ? undefined : `the ${DRIVER} driver mounts no bundle`);
const IMAGE = 'box';
const UPPER = buildTar([{path: 'etc/.wh.group'}, {path: 'etc/more', content: 'more'}]);

interface Lab {
  readonly winch: Winch;
  /** In a mount namespace in which mounts stay, and go with the test. */
  run(...words: readonly string[]): Promise<WinchExit>;
  /** A program in that namespace. @returns what it prints */
  show(...words: readonly string[]): Promise<string>;
  readonly bundle: string;
}

describe('containers: mounted bundles', ({test: declare}) => {
  const test = (title: string, body: (lab: Lab) => Promise<void>) => declare(title, () => withLab(body), {skip});

  test('a bundle is mounted for everybody, runs, keeps what is written, and is unmounted', async (lab) => {
    const {bundle, run, show} = lab;
    const command = ['sh', '-c', 'cat /etc/more; ls /etc/group || echo written > /etc/new'];
    assert.is(requireSuccess(await run('bundle', '--mount-rootfs', IMAGE, bundle, ...command)).stdout, `${bundle}\n`);
    assert.is(await show('cat', join(bundle, 'rootfs/etc/more')), 'more');
    assert.is(await show('ls', bundle), 'config.json\nrootfs\nwritten\n');
    assert.is(await show('sh', '-c', `grep -c " ${bundle}" /proc/self/mountinfo`), '1\n');
    assert.is(await show('runc', 'run', '--bundle', bundle, `winch-test-${process.pid}`), 'more');
    assert.is(readFileSync(join(bundle, 'written/upper/etc/new'), 'utf8'), 'written\n');
    requireSuccess(await run('unmount', bundle));
    assert.equal(readdirSync(join(bundle, 'rootfs')), []);
    assert.is(await show('sh', '-c', `grep -c " ${bundle}" /proc/self/mountinfo || true`), '0\n');
    requireRefusal(await run('unmount', bundle), {code: 'BUNDLE_UNKNOWN', exit: 4});
  });

  test('its image can be neither removed nor pruned until then', async ({bundle, run, show, winch}) => {
    requireSuccess(await run('bundle', '--mount-rootfs', IMAGE, bundle));
    for (const flags of [[], ['--force']]) {
      const refused = await run('rmi', ...flags, IMAGE);
      requireRefusal(refused, {code: 'IMAGE_MOUNTED'});
      assert.match(refused.stderr, bundle);
    }
    requireSuccess(await run('prune', '--all'));
    requireSuccess(await run('check', '--deep'));
    assert.is(await show('cat', join(bundle, 'rootfs/etc/more')), 'more');
    requireSuccess(await run('unmount', bundle));
    requireSuccess(await run('rmi', IMAGE));
    assert.equal(readdirSync(join(winch.root, 'layers/sha256')), []);
    assert.equal(readdirSync(join(winch.root, 'bundles')), []);
  });

  test('what somebody else has unmounted holds no image', async ({bundle, run, show}) => {
    requireSuccess(await run('bundle', '--mount-rootfs', IMAGE, bundle));
    await show('umount', join(bundle, 'rootfs'));
    requireSuccess(await run('rmi', IMAGE));
  });

  test('what a killed mount has left is taken away, and nothing of what was mounted', async (lab) => {
    const {bundle, run, show, winch} = lab;
    const [left, other] = [join(bundle, '../.bundle.winch-mounting'), join(winch.directory, 'other')];
    for (const path of [join(left, 'rootfs'), other]) mkdirSync(path, {recursive: true});
    writeFileSync(join(other, 'file'), 'kept');
    await show('mount', '--bind', other, join(left, 'rootfs'));
    requireSuccess(await run('bundle', '--mount-rootfs', IMAGE, bundle));
    assert.equal([readFileSync(join(other, 'file'), 'utf8'), existsSync(left)], ['kept', false]);
    requireSuccess(await run('unmount', bundle));
  });

  test('a bundle that is in use stays mounted', async ({bundle, run, show}) => {
    requireSuccess(await run('bundle', '--mount-rootfs', IMAGE, bundle));
    const script = 'cd "$1/rootfs" && { "$2" "$3" unmount "$1" 2>&1 || true; }';
    const winch = [process.execPath, join(import.meta.dirname, '../../bin/winch.js')];
    const said = await show('sh', '-c', script, 'sh', bundle, ...winch);
    assert.match(said, /BUNDLE_BUSY: .*\/rootfs is in use/);
    assert.is(await show('cat', join(bundle, 'rootfs/etc/more')), 'more');
    requireSuccess(await run('unmount', bundle));
  });

  test('a directory that is not empty is left alone, and a failure leaves no mount', async ({bundle, run, show}) => {
    mkdirSync(join(bundle, 'mine'), {recursive: true});
    const words = ['bundle', '--mount-rootfs', IMAGE, bundle];
    requireRefusal(await run(...words), {code: 'BUNDLE_EXISTS', exit: 2});
    assert.equal(readdirSync(bundle), ['mine']);
    requireRefusal(await run('bundle', '--mount-rootfs', '--user', 'nobody-at-all', IMAGE, `${bundle}-2`), {
      code: 'USER_UNKNOWN',
      exit: 3,
    });
    assert.equal(
      [existsSync(`${bundle}-2`), existsSync(join(bundle, '..', '.bundle-2.winch-mounting'))],
      [false, false],
    );
    assert.is(await show('sh', '-c', `grep -c " ${bundle}" /proc/self/mountinfo || true`), '0\n');
  });
});

async function withLab(body: (lab: Lab) => Promise<void>): Promise<void> {
  await using registry = await startRegistry();
  registry.put(IMAGE, '1', busyboxImage({layers: [UPPER]}));
  using winch = makeWinch();
  requireSuccess(await winch.run(['pull', '--insecure', `${registry.host}/${IMAGE}:1`]));
  requireSuccess(await winch.run(['tag', `${registry.host}/${IMAGE}:1`, IMAGE]));
  requireSuccess(await winch.run(['untag', `${registry.host}/${IMAGE}:1`]));
  await using namespace = await openMountNamespace('true');
  const env = `WINCH_ROOT=${winch.root}`;
  await body({
    winch,
    bundle: join(winch.directory, 'bundle'),
    run: (...words) => winch.run(words, namespace),
    show: (...words) => requireProgram('nsenter', [...namespace.within.slice(1), 'env', env, ...words]),
  });
  assert.equal(findStoreProblems(winch.root), []);
}
