import {copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type MergeableLayer, writeMergedIndex} from '../../src/layers/merged-index.ts';

import {chainIds} from '../../src/oci/chain-id.ts';
import {erofsSnapshotter} from '../../src/snapshots/erofs.ts';
import type {SnapshotLayer} from '../../src/snapshots/snapshotter.ts';
import {describe} from '../helpers/suite.ts';
import {mountSkip as skip} from '../layers/mounted-tree.ts';
import {directory, driverSkip, file, makeDriverRig} from './driver-rig.ts';

describe('snapshots/erofs', ({test: declare, after}) => {
  const {layer, list, newDirectory, remove, run} = makeDriverRig('erofs');
  after(remove);

  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  const stackOf = (layers: readonly SnapshotLayer[]) =>
    erofsSnapshotter
      .prepare({layers, directory: '/d', writable: {type: 'none'}})
      .mounts.flatMap((step) => (step.type === 'erofs' ? [step.source] : []));
  const plain = (path: string): SnapshotLayer => ({
    path,
    whiteouts: 0,
    directories: {implied: [], opaque: []},
  });

  test('stacks the topmost layer first, a repeated one at its upper place alone', () => {
    assert.equal(stackOf([plain('/a'), plain('/b'), plain('/c')]), ['/c', '/b', '/a']);
    assert.equal(stackOf([plain('/a'), plain('/b'), plain('/a')]), ['/a', '/b']);
  });

  test('mounts a layer with whiteouts twice, and nothing below an opaque root', () => {
    assert.equal(stackOf([plain('/a'), {...plain('/b'), whiteouts: 1}]), ['/b', '/b', '/a']);
    assert.equal(stackOf([plain('/a'), {...plain('/b'), directories: {implied: [], opaque: ['']}}, plain('/c')]), [
      '/c',
      '/b',
    ]);
  });

  // The kernel mounts no file of a tmpfs directly, nor any file before Linux 6.12.
  test('layers are mounted through loop devices where they must be, twice as well, and none is left', async () => {
    const loops = () => readdirSync('/sys/block').filter((name) => existsSync(`/sys/block/${name}/loop`));
    const before = loops();
    const memory = mkdtempSync('/dev/shm/winch-test-');
    try {
      const inMemory = (original: SnapshotLayer, name: string): SnapshotLayer => {
        copyFileSync(original.path, join(memory, name));
        return {...original, path: join(memory, name)};
      };
      const base = inMemory(await layer(directory('d'), file('d/a'), file('b')), 'base');
      const top = inMemory(await layer(file('d/.wh.a', ''), directory('only'), file('only/.wh.ghost', '')), 'top');
      assert.equal(list([base, top]), ['./b', './d', './only']);
    } finally {
      rmSync(memory, {recursive: true});
    }
    assert.equal(loops(), before);
  });

  const mergedOf = async (layers: readonly SnapshotLayer[]) => {
    const indexed = layers as readonly (SnapshotLayer & MergeableLayer)[];
    const [path, chainId] = [`${newDirectory()}.merged`, chainIds(indexed.map(({diffId}) => diffId)).at(-1)];
    if (chainId === undefined) throw new Error('there are no layers');
    await writeMergedIndex({path, chainId, layers: indexed, durability: 'fast'});
    return path;
  };
  const COUNT = 'grep -c " erofs " /proc/self/mounts; ls d';

  test('a merged index is one mount, under writes of every kind', async () => {
    const layers = [await layer(directory('d'), file('d/a')), await layer(file('d/.wh.a', ''), file('d/b'))];
    const merged = await mergedOf(layers);
    const isUsed = driverSkip('merged') === undefined;
    assert.is(run(layers, COUNT, {merged}), `${isUsed ? 1 : 3}\nb\n`);
    for (const writable of [{type: 'memory'}, {type: 'directory', path: newDirectory()}] as const)
      assert.is(run(layers, 'echo x > d/c; rm d/b; ls d', {writable, merged}), 'c\n');
  });

  test('a merged index that cannot be mounted is as good as none', async () => {
    const layers = [await layer(directory('d'), file('d/a')), await layer(file('d/.wh.a', ''), file('d/b'))];
    const merged = await mergedOf(layers);
    assert.is(run(layers, COUNT, {merged: `${merged}.gone`, writable: {type: 'memory'}}), '3\nb\n');
    const another = [...layers, await layer(file('x'))];
    assert.is(run(another, COUNT, {merged}), run(another, COUNT));
    truncateSync(merged, 1024);
    assert.is(run(layers, COUNT, {merged}), '3\nb\n');
  });

  test('a layer file that is gone or cut short is a damaged store', async () => {
    const base = await layer(file('a'));
    assert.is(run([{...base, path: `${base.path}.gone`}], 'ls'), 'STORE_CORRUPT');
    truncateSync(base.path, 1024);
    assert.match(run([base], 'ls'), /STORE_CORRUPT|MOUNT_UNSUPPORTED/);
  });
});
