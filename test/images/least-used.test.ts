import {createHash} from 'node:crypto';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {createLeasedDirectory} from '../../src/host/leased-directories.ts';
import {noteImageInUse} from '../../src/images/images-in-use.ts';
import type {PruneOptions} from '../../src/images/prune.ts';
import {isDigest} from '../../src/oci/digest.ts';
import {lastUseOf, noteUse} from '../../src/store/last-use.ts';
import {storePaths} from '../../src/store/paths.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {imageOf} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};
const LAYER_BYTES = 400_000;
const LONG_AGO = Date.parse('2001-02-03T04:05:06Z');

/** Does not compress: an image of one takes twice as much. */
const noiseTar = (seed: string) =>
  buildTar([{path: seed, content: createHash('shake256', {outputLength: LAYER_BYTES}).update(seed).digest()}]);

const IMAGE_BYTES = 2 * LAYER_BYTES;

/** Images a to d of one layer each, used last in this order. */
async function openSample() {
  const registry = await startRegistry();
  const store = await openTestStore();
  const {images} = store.toolkit;
  const paths = storePaths(store.root);
  const reference = (name: string) => `${registry.host}/${name}:1`;
  const digestOf = async (name: string) => {
    const {manifestDigest} = await images.inspect(reference(name));
    if (!isDigest(manifestDigest)) throw new Error('the digest is none');
    return manifestDigest;
  };
  const use = async (name: string, at: number) => noteUse(paths, await digestOf(name), LONG_AGO + at);
  for (const [at, name] of [...'abcd'].entries()) {
    registry.put(name, '1', imageOf([noiseTar(name)], {config: {Labels: {[name]: ''}}}));
    await images.pull(reference(name), AMD64);
    await use(name, at);
  }
  const measure = async () => Number((await images.prune({keepBytes: 2 ** 40, isDryRun: true})).storeBytes);
  const all = await measure();
  return {
    measure,
    ...{registry, images, reference, digestOf, use, paths, root: store.root},
    lastUse: async (name: string) => lastUseOf(paths, await digestOf(name)),
    /** Keeps so many images' worth of bytes, and what the store itself needs. */
    keep: (count: number, options: PruneOptions = {}) =>
      images.prune({keepBytes: all - (4 - count) * IMAGE_BYTES + 200_000, ...options}),
    names: async () => (await images.list()).map((image) => image.reference?.split('/')[1]?.[0]).toSorted(),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

describe('images/least-used', ({test}) => {
  test('a store is kept under a size by the last use of its images', async () => {
    await using sample = await openSample();
    await sample.use('a', 10);
    const dry = await sample.keep(2, {isDryRun: true});
    assert.equal(await sample.names(), ['a', 'b', 'c', 'd']);
    const report = await sample.keep(2);
    assert.equal([dry.untagged, report.untagged], Array(2).fill(['b', 'c'].map(sample.reference)));
    assert.is(report.freedBytes, dry.freedBytes);
    assert.equal(await sample.names(), ['a', 'd']);
    const left = await sample.measure();
    assert.ok(Math.abs(left - Number(report.storeBytes)) < 100_000, `${left} ${report.storeBytes}`);
    assert.equal((await sample.keep(2)).deleted, []);
    assert.equal(findStoreProblems(sample.root), []);
  });

  test('what a killed extraction has left behind takes no room from images', async () => {
    await using sample = await openSample();
    const before = await sample.measure();
    const left = join(sample.root, 'layers/sha256', `${'0'.repeat(64)}.tree`, 'tree');
    mkdirSync(left, {recursive: true});
    writeFileSync(join(left, 'file'), Buffer.alloc(2 * IMAGE_BYTES));
    const difference = Math.abs((await sample.measure()) - before);
    assert.ok(difference < 100_000, String(difference));
    assert.equal((await sample.keep(4)).untagged, []);
  });

  test('nothing with a name goes from a store that takes less, whatever all says', async () => {
    await using sample = await openSample();
    assert.equal((await sample.keep(4, {all: true})).deleted, []);
  });

  test('what a container runs and what a filter keeps stays, and the rest is told', async () => {
    await using sample = await openSample();
    mkdirSync(sample.paths.containers, {recursive: true});
    const running = createLeasedDirectory(sample.paths.containers, 'running');
    const {imageId} = await sample.images.inspect(sample.reference('a'));
    noteImageInUse(running.path, {imageId, name: null, mountedIds: []});
    const labels = [{name: 'b', value: null, isExcluded: true}];
    const report = await sample.keep(0, {labels});
    assert.equal(await sample.names(), ['a', 'b']);
    assert.ok(Number(report.storeBytes) > 2 * IMAGE_BYTES);
    running.remove();
  });

  test('unfinished downloads and what no image needs go first, compressed copies when told', async () => {
    await using sample = await openSample();
    const partial = join(sample.root, 'ingest', `blob-sha256-${'0'.repeat(64)}`);
    writeFileSync(partial, Buffer.alloc(IMAGE_BYTES));
    assert.equal((await sample.keep(5)).freedBytes, 0);
    assert.equal((await sample.keep(4)).freedBytes, IMAGE_BYTES);
    const {droppedBlobs, deleted} = await sample.keep(2, {blobs: true});
    assert.equal([droppedBlobs, deleted], [4, []]);
  });

  test('a layer that a newer image has as well frees nothing', async () => {
    await using sample = await openSample();
    const {registry, images, reference} = sample;
    registry.put('e', '1', imageOf([noiseTar('a'), noiseTar('e')]));
    await images.pull(reference('e'), AMD64);
    await sample.keep(3);
    assert.equal(await sample.names(), ['d', 'e'], 'two layers of e');
  });

  test('images that one tag leads to go together, by the last use of any of them', async () => {
    await using sample = await openSample();
    const {registry, images, reference} = sample;
    const platform = {os: 'linux', architecture: 'arm64'};
    registry.put('e', '1', buildIndex([imageOf([noiseTar('e')]), imageOf([noiseTar('f')], {platform})]));
    await images.pull(reference('e'), {...AMD64, allPlatforms: true});
    const [other] = (await images.list()).filter((image) => image.platform.startsWith('linux/arm64'));
    if (!other || !isDigest(other.manifestDigest)) throw new Error('the sample lacks a platform');
    await sample.use('e', 0);
    noteUse(sample.paths, other.manifestDigest, LONG_AGO + 2.5);
    await sample.keep(3);
    assert.equal(await sample.names(), ['d', 'e', 'e']);
    noteUse(sample.paths, other.manifestDigest, LONG_AGO);
    await sample.keep(1);
    assert.equal(await sample.names(), ['d']);
  });

  const USES: Readonly<Record<string, (sample: Awaited<ReturnType<typeof openSample>>) => Promise<unknown>>> = {
    'a pull that changes nothing': ({images, reference}) => images.pull(reference('a'), AMD64),
    'a save': async ({images, reference}) => await (await images.save([reference('a')])).close(),
    'an export': async ({images, reference}) => (await images.export(reference('a'), AMD64)).close(),
    'a push': ({images, reference}) => images.push(reference('a')),
  };
  for (const [title, work] of Object.entries(USES)) {
    test(`${title} is a use, and no other image's`, async () => {
      await using sample = await openSample();
      const before = Date.now();
      await work(sample);
      assert.ok(Number(await sample.lastUse('a')) >= before - 1);
      assert.is(await sample.lastUse('b'), LONG_AGO + 1);
      const {perImage} = await sample.images.usage();
      const told = perImage.find(({image}) => image.references.includes(sample.reference('b')));
      assert.is(told?.lastUsedAt, new Date(LONG_AGO + 1).toISOString());
    });
  }
});
