import {closeSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';
import {driverSkip} from '../snapshots/driver-rig.ts';

const DRIVER = process.env.WINCH_SNAPSHOTTER ?? 'erofs';
const skip =
  missingFor('runc', 'busybox', 'conmon', 'unshare', 'nsenter') ??
  driverSkip('merged') ??
  (DRIVER === 'erofs' ? undefined : `the ${DRIVER} driver mounts no layer files`);
const IMAGE = 'box';
/** The head, and the slots of less than 32 layers. */
const HEADS_BYTES = 8192;
const LAYERS: readonly (readonly TarEntry[])[] = [
  [
    {path: 'd/', type: 'directory', mode: 0o711},
    {path: 'd/a', content: 'a'},
  ],
  [{path: 'd/.wh.a'}, {path: 'd/b', content: 'b'}],
  ...['1', '2', '3', '4', '5', '6'].map((name) => [{path: `d/${name}`, content: name.repeat(10_000)}]),
];
/** Of overlays: the first directory that lies below. */
const LOWER = "head -n 1 /proc/self/mountinfo | grep -o 'lowerdir=[^:]*'";
const SHOW = `${LOWER}; ls /d; cat /d/? | md5sum; stat -c %a /d`;

describe('containers: merged indexes', ({test: declare}) => {
  const test = (title: string, body: (winch: Winch) => Promise<void>) => declare(title, () => withImage(body), {skip});
  const run = async (winch: Winch, ...words: readonly string[]) =>
    requireSuccess(await winch.run(['run', '--rm', '--network', 'none', ...words])).stdout;
  const mergedOf = ({root}: Winch) => {
    const directory = join(root, 'merged/sha256');
    return join(directory, readdirSync(directory)[0] ?? '');
  };
  const rest = (shown: string) => shown.split('\n').slice(1).join('\n');

  test('a container sees the same with one, without, and with a damaged one', async (winch) => {
    const shown = await run(winch, IMAGE, 'sh', '-c', SHOW);
    assert.match(shown, /^lowerdir=~\nb?/);
    assert.match(rest(shown), /^1\n2\n3\n4\n5\n6\nb\n\w+ {2}-\n711\n$/);
    const path = mergedOf(winch);
    const damages = [
      () => writeFileSync(path, Buffer.alloc(4096), {flag: 'r+'}),
      () => truncateSync(path, 1000),
      () => rmSync(path),
    ];
    for (const damage of damages) {
      damage();
      const other = await run(winch, IMAGE, 'sh', '-c', SHOW);
      assert.not.match(other, /^lowerdir=~/);
      assert.is(rest(other), rest(shown));
    }
  });

  test('one whose root is damaged is no worse than none', async (winch) => {
    const path = mergedOf(winch);
    const shown = await run(winch, IMAGE, 'sh', '-c', SHOW);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(512, 0xff), 0, 512, HEADS_BYTES);
    closeSync(file);
    assert.is(rest(await run(winch, IMAGE, 'sh', '-c', SHOW)), rest(shown));
  });

  test('a container that is kept goes on whether it is there or not', async (winch) => {
    const script = `${LOWER}; echo x >> /d/b; rm -f /d/1; cat /d/b; ls /d`;
    requireSuccess(await winch.run(['create', '--name', 'kept', '--network', 'none', IMAGE, 'sh', '-c', script]));
    const start = async () => requireSuccess(await winch.run(['start', '--attach', 'kept'])).stdout;
    assert.is(await start(), 'lowerdir=~\nbx\n2\n3\n4\n5\n6\nb\n');
    rmSync(mergedOf(winch));
    assert.is(rest(await start()), 'bx\nx\n2\n3\n4\n5\n6\nb\n');
    requireSuccess(await winch.run(['pull', '--policy', 'missing', IMAGE]));
    assert.is(await start(), 'lowerdir=~\nbx\nx\nx\n2\n3\n4\n5\n6\nb\n');
    requireSuccess(await winch.run(['rm', 'kept']));
  });

  test('images and bundles are mounted with it', async (winch) => {
    const mount = ['--mount', `type=image,source=${IMAGE},target=/m`];
    assert.is(await run(winch, ...mount, IMAGE, 'sh', '-c', 'ls /m/d'), '1\n2\n3\n4\n5\n6\nb\n');
    await using namespace = await openMountNamespace('true');
    const bundle = join(winch.directory, 'bundle');
    requireSuccess(await winch.run(['bundle', '--mount-rootfs', IMAGE, bundle], namespace));
    const show = (script: string) => requireProgram('nsenter', [...namespace.within.slice(1), 'sh', '-c', script]);
    assert.match(await show(`grep " ${bundle}/rootfs " /proc/self/mountinfo`), /lowerdir=~:/);
    assert.is(await show(`cat ${bundle}/rootfs/d/b`), 'b');
    requireSuccess(await winch.run(['unmount', bundle], namespace));
  });
});

async function withImage(body: (winch: Winch) => Promise<void>): Promise<void> {
  await using registry = await startRegistry();
  registry.put(IMAGE, '1', busyboxImage({layers: LAYERS.map((entries) => buildTar(entries))}));
  using winch = makeWinch();
  requireSuccess(await winch.run(['pull', '--insecure', `${registry.host}/${IMAGE}:1`]));
  requireSuccess(await winch.run(['tag', `${registry.host}/${IMAGE}:1`, IMAGE]));
  await body(winch);
  assert.equal(findStoreProblems(winch.root), []);
}
