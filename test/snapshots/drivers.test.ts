import {mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {SnapshotLayer} from '../../src/snapshots/snapshotter.ts';
import {describe} from '../helpers/suite.ts';
import {directory, driverSkip, file, makeDriverRig, WAYS_TO_MOUNT} from './driver-rig.ts';

/** Stacks of many layers are extracted one by one. */
const TIMEOUT_MS = 180_000;

for (const driver of WAYS_TO_MOUNT) {
  describe(`snapshots/drivers: ${driver}`, ({test: declare, after}) => {
    const {layer, list, newDirectory, remove, run} = makeDriverRig(driver);
    after(remove);
    const skip = driverSkip(driver);
    const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: TIMEOUT_MS});
    /** What a copy, which is one directory of the container alone, has no part in. */
    const testStack = (title: string, body: () => unknown) => {
      if (driver !== 'copy') test(title, body);
    };

    test('an upper layer hides a lower one', async () => {
      const base = await layer(directory('d'), file('d/kept'), file('d/changed', 'old'));
      const top = await layer(file('d/changed', 'new'), file('d/added'));
      assert.equal(list([base, top]), ['./d', './d/added', './d/changed', './d/kept']);
      assert.is(run([base, top], 'cat d/changed'), 'new');
      assert.is(run([top, base], 'cat d/changed'), 'old');
    });

    test('whiteouts hide files and directories, and are never seen themselves', async () => {
      const base = await layer(directory('d'), file('d/a'), directory('e'), file('e/a'));
      const top = await layer(file('d/.wh.a', ''), file('.wh.e', ''), directory('only'), file('only/.wh.ghost', ''));
      assert.equal(list([base, top]), ['./d', './only']);
      assert.equal(list([top]), ['./d', './only']);
      const again = await layer(directory('e'), file('e/b'));
      assert.equal(list([base, top, again]), ['./d', './e', './e/b', './only']);
    });

    const SHOW = "stat -c '%n %a %u:%g %Y' . tmp home home/alice";
    const home = async () =>
      layer(
        {path: './', type: 'directory', mode: 0o755, mtime: 5},
        {path: 'tmp', type: 'directory', mode: 0o1777, mtime: 6},
        {path: 'home', type: 'directory', mode: 0o711, mtime: 7},
        {path: 'home/alice', type: 'directory', mode: 0o700, uid: 1000, gid: 1000, mtime: 8.000000001},
      );

    test('a directory that an upper layer only implies keeps what a lower one says of it', async () => {
      const layers = [await home(), await layer(file('tmp/x'), file('home/alice/.rc')), await layer(file('home/y'))];
      const kept = ['. 755 0:0 5', 'tmp 1777 0:0 6', 'home 711 0:0 7', 'home/alice 700 1000:1000 8'];
      assert.equal(run(layers, SHOW).trim().split('\n'), kept);
      assert.equal(
        run(layers, SHOW, {writable: {type: 'memory'}})
          .trim()
          .split('\n'),
        kept,
      );
      assert.equal(list(layers), ['./home', './home/alice', './home/alice/.rc', './home/y', './tmp', './tmp/x']);
    });

    test('a directory that an upper layer describes, or makes anew, takes nothing from below', async () => {
      const described = await layer({path: 'tmp', type: 'directory', mode: 0o700, mtime: 9}, file('tmp/x'));
      assert.match(run([await home(), described, await layer(file('tmp/y'))], SHOW), /^tmp 700 0:0 9$/m);
      const opaque = await layer(file('tmp/x'), file('tmp/.wh..wh..opq', ''));
      assert.match(run([await home(), opaque], SHOW), /^tmp 755 0:0 0$/m);
      const gone = await layer(file('.wh.tmp', ''));
      assert.match(run([await home(), gone, await layer(file('tmp/x'))], SHOW), /^tmp 755 0:0 0$/m);
      assert.match(run([await home(), await layer(file('tmp')), await layer(file('tmp/x'))], SHOW), /^tmp 755 0:0 0$/m);
    });

    test('an opaque directory shows nothing from below, the root included', async () => {
      const base = await layer(directory('d'), file('d/a'), file('b'));
      assert.equal(list([base, await layer(directory('d'), file('d/.wh..wh..opq', ''), file('d/c'))]), [
        './b',
        './d',
        './d/c',
      ]);
      assert.equal(list([base, await layer(file('.wh..wh..opq', ''), file('c'))]), ['./c']);
    });

    test('an image of one layer, of the same layer twice, and of none can be mounted', async () => {
      const one = await layer(file('a'));
      assert.equal(list([one]), ['./a']);
      assert.equal(list([one, one]), ['./a']);
      assert.is(run([], 'ls', {writable: {type: 'memory'}}), '');
    });

    testStack('nothing can be written without a place for it', async () => {
      assert.match(run([await layer(file('a'))], 'echo x > b'), 'Read-only file system');
    });

    testStack('writes go into the given directory and leave the layers as they are', async () => {
      const base = await layer(file('a', 'old'), file('b'));
      const path = newDirectory();
      const writable = {type: 'directory', path} as const;
      assert.is(run([base], 'echo new > a; rm b; echo c > c; cat a', {writable}), 'new\n');
      assert.equal(readdirSync(path).toSorted(), ['upper', 'work']);
      assert.is(readFileSync(join(path, 'upper/a'), 'utf8'), 'new\n');
      assert.is(run([base], 'cat a; ls'), 'olda\nb\n');
    });

    testStack('writes to memory leave nothing on disk', async () => {
      const path = newDirectory();
      const base = await layer(file('a'));
      assert.is(run([base], 'echo new > a; cat a', {directory: path, writable: {type: 'memory'}}), 'new\n');
      assert.equal(readdirSync(path).toSorted(), ['layers', 'rootfs', 'writable']);
      for (const name of readdirSync(path)) assert.equal(readdirSync(join(path, name)), []);
    });

    test('the root can be entered by everybody, whatever the umask is', async () => {
      const base = await layer(file('a'));
      for (const writable of [{type: 'memory'}, {type: 'directory', path: newDirectory()}, {type: 'none'}] as const) {
        assert.is(run([base], 'stat -c %a .', {writable}), '755\n', writable.type);
      }
    });

    testStack('directories with names that mean something to overlayfs are no trouble', async () => {
      const path = join(newDirectory(), 'a,b:c\\d e"\n');
      mkdirSync(path);
      const base = await layer(file('a'));
      const writable = {type: 'directory', path: join(path, 'w')} as const;
      mkdirSync(writable.path);
      // fuse-overlayfs splits the whole path of what is mounted there at colons; a user chooses only where writes go.
      const place = driver === 'fuse-overlayfs' ? newDirectory() : path;
      assert.is(run([base], 'echo x > b; ls', {directory: place, writable}), 'a\nb\n');
    });

    test('stacks more layers than any image should have', async () => {
      const layers: SnapshotLayer[] = [await layer(...Array.from({length: 100}, (_, index) => file(`base-${index}`)))];
      for (let index = 0; index < 60; index += 1) {
        layers.push(await layer(file(`.wh.base-${index}`, ''), file(`layer-${index}`)));
      }
      assert.is(run(layers, 'ls base-* | wc -l; ls layer-* | wc -l'), '40\n60\n');
    });
  });
}
