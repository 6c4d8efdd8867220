import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {rememberProbe} from '../../src/snapshots/remembered-probe.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {driverSkip} from '../snapshots/driver-rig.ts';
import {openLayeredImage} from './layered-image.ts';
import {imageOf} from './sample-images.ts';

const PROGRAM = fileURLToPath(new URL('merging-program.ts', import.meta.url));
const AMD64 = {platform: 'linux/amd64'};
const MOST_STEPS = 10;

/** Layers of a file each. */
const layersOf = (count: number): readonly (readonly TarEntry[])[] =>
  Array.from({length: count}, (_, index) => [{path: `file-${index}`, content: `${index}`}]);

const mergedIn = (root: string): readonly string[] => {
  const directory = join(root, 'merged', 'sha256');
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
};

describe('images/merged-index', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip: driverSkip('merged')});

  test('an image of many layers gets one, an image of few, or of very many entries, does not', async () => {
    await using few = await openLayeredImage(...layersOf(7));
    assert.equal(mergedIn(few.root), []);
    const large = Array.from({length: 8001}, (_, index) => ({path: `more-${index}`, content: ''}));
    await few.add('large', ...layersOf(7), large);
    assert.equal(mergedIn(few.root), []);
    await few.add('many', ...layersOf(8));
    const [path = '', ...more] = mergedIn(few.root);
    assert.equal(more, []);
    assert.is(statSync(path).mode & 0o777, 0o600);
    assert.equal(readdirSync(join(few.root, 'ingest')), []);
  });

  test('a pull of what is there makes one that is gone, or damaged, anew', async () => {
    await using image = await openLayeredImage(...layersOf(8));
    const [path = ''] = mergedIn(image.root);
    const [good, pull] = [readFileSync(path), () => image.images.pull(image.name, AMD64)];
    for (const damage of [() => rmSync(path), () => truncateSync(path, 5000), () => writeFileSync(path, 'other')]) {
      damage();
      assert.is((await pull()).changed, false);
      assert.ok(readFileSync(path).equals(good));
    }
    const {ino} = statSync(path);
    await pull();
    assert.is(statSync(path).ino, ino);
  });

  test('an image that was only downloaded gets one when it is unpacked', async () => {
    await using image = await openLayeredImage(...layersOf(8));
    await image.images.remove([image.name]);
    await image.images.pull(image.name, {...AMD64, downloadOnly: true});
    assert.equal(mergedIn(image.root), []);
    await image.images.pull(image.name, {...AMD64, policy: 'missing'});
    assert.is(mergedIn(image.root).length, 1);
  });

  test('it goes with the last image that is this chain of layers', async () => {
    await using image = await openLayeredImage(...layersOf(8));
    const tars = layersOf(8).map((entries) => buildTar(entries));
    image.registry.put('app', 'twin', imageOf(tars, {config: {Env: ['A=b']}}));
    image.registry.put('app', 'longer', imageOf([...tars, buildTar([{path: 'top', content: 'x'}])]));
    const named = (tag: string) => image.name.replace(/:1$/, `:${tag}`);
    for (const tag of ['twin', 'longer']) await image.images.pull(named(tag), AMD64);
    assert.is(mergedIn(image.root).length, 2);
    await image.images.remove([image.name]);
    assert.is(mergedIn(image.root).length, 2);
    await image.images.remove([named('twin')]);
    assert.is(mergedIn(image.root).length, 1);
    assert.ok((await image.images.usage()).otherBytes > statSync(mergedIn(image.root)[0] ?? '').size);
    await image.images.remove([named('longer')]);
    assert.equal(mergedIn(image.root), []);
  });

  test('what is no image has one that a prune removes, and a check does not mind', async () => {
    await using image = await openLayeredImage(...layersOf(8));
    const [path = ''] = mergedIn(image.root);
    const stray = path.replace(/[0-9a-f]{64}$/, '0'.repeat(64));
    for (const name of [stray, `${path}.abc.tmp`]) writeFileSync(name, 'x');
    assert.ok((await image.images.check({deep: true})).isClean);
    await image.images.prune();
    assert.equal(mergedIn(image.root), [path]);
    assert.equal(findStoreProblems(image.root), []);
  });

  test('a deep check finds one that is damaged, and a repair takes it away', async () => {
    await using image = await openLayeredImage(...layersOf(8));
    const [path = ''] = mergedIn(image.root);
    const bytes = readFileSync(path);
    bytes[bytes.length - 4000] = 0xff;
    writeFileSync(path, bytes);
    assert.ok((await image.images.check()).isClean);
    const {findings, isClean} = await image.images.check({deep: true});
    assert.equal([findings.map(({code}) => code), isClean], [['MERGED_CONTENT'], false]);
    assert.ok((await image.images.check({deep: true, repair: true})).isClean);
    assert.equal(mergedIn(image.root), []);
    assert.ok((await image.images.check({deep: true})).isClean);
  });

  test('machines that mount no layer files have none', async () => {
    await using image = await openLayeredImage();
    rememberProbe(join(image.root, '../run'), {name: 'overlay', reason: 'so that nobody asks'});
    await image.add('many', ...layersOf(8));
    assert.equal(mergedIn(image.root), []);
  });

  test('where it cannot be written the image does without', async () => {
    await using image = await openLayeredImage();
    writeFileSync(join(image.root, 'merged'), 'in its place');
    const name = await image.add('many', ...layersOf(8));
    assert.ok((await image.images.inspect(name)).imageId);
    assert.equal(readdirSync(join(image.root, 'ingest')), []);
    assert.ok((await image.images.prune({all: true})).deleted.length > 0);
  });

  test('a process that is killed before any step of it leaves nothing that a prune does not remove', async () => {
    await using image = await openLayeredImage(...layersOf(8));
    const [path = ''] = mergedIn(image.root);
    const good = readFileSync(path);
    for (let step = 1; ; step += 1) {
      assert.ok(step <= MOST_STEPS);
      rmSync(path, {force: true});
      const words = [PROGRAM, image.root, join(image.root, '../run'), image.name, String(step)];
      const [status, signal] = await once(spawn(process.execPath, words, {stdio: 'inherit'}), 'exit');
      if (existsSync(path)) assert.ok(readFileSync(path).equals(good), `step ${step}`);
      await image.images.prune();
      assert.equal(readdirSync(join(image.root, 'ingest')), [], `step ${step}`);
      assert.equal(findStoreProblems(image.root), [], `step ${step}`);
      if (signal !== null) continue;
      assert.equal([status, step > 2], [0, true]);
      break;
    }
    assert.ok(readFileSync(path).equals(good));
  });
});
