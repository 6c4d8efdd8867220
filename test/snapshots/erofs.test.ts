import {copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {erofsSnapshotter} from '../../src/snapshots/erofs.ts';
import type {SnapshotLayer} from '../../src/snapshots/snapshotter.ts';
import {describe} from '../helpers/suite.ts';
import {mountSkip as skip} from '../layers/mounted-tree.ts';
import {directory, file, makeDriverRig} from './driver-rig.ts';

describe('snapshots/erofs', ({test: declare, after}) => {
  const {layer, list, remove, run} = makeDriverRig('erofs');
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

  test('a layer file that is gone or cut short is a damaged store', async () => {
    const base = await layer(file('a'));
    assert.is(run([{...base, path: `${base.path}.gone`}], 'ls'), 'STORE_CORRUPT');
    truncateSync(base.path, 1024);
    assert.match(run([base], 'ls'), /STORE_CORRUPT|MOUNT_UNSUPPORTED/);
  });
});
