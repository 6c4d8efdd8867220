import {linkSync, mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openStore} from '../../src/store/store.ts';
import type {Images} from '../../src/toolkit.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

/** Two images on one base, and a third alone. */
async function openSample() {
  const registry = await startRegistry();
  const store = await openTestStore();
  const built = {one: imageOf([baseTar, appTar]), two: imageOf([baseTar, otherTar]), alone: imageOf([appTar, baseTar])};
  for (const [name, image] of Object.entries(built)) {
    registry.put(name, '1', image);
    await store.toolkit.images.pull(`${registry.host}/${name}:1`, AMD64);
  }
  const put = (path: string, bytes: number): string => {
    const file = join(store.root, path);
    mkdirSync(dirname(file), {recursive: true});
    writeFileSync(file, Buffer.alloc(bytes, 1));
    return file;
  };
  return {
    built,
    put,
    images: store.toolkit.images,
    host: registry.host,
    root: store.root,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

const apparentSize = async (root: string): Promise<number> =>
  Number((await requireProgram('du', ['-sb', root])).split('\t')[0]);

/** Shares of the whole must add up to it. */
async function usageOf(images: Images) {
  const usage = await images.usage();
  const {layers, blobs, partials, containers, otherBytes, totalBytes} = usage;
  assert.is(layers.bytes + blobs.bytes + partials.bytes + containers.bytes + otherBytes, totalBytes);
  assert.is(usage.images.sharedBytes + usage.images.uniqueBytes, usage.images.bytes);
  return usage;
}

describe('images/disk-usage', ({test}) => {
  test('a store that does not exist takes nothing, and is not made', async () => {
    await using store = await openTestStore();
    const {totalBytes, otherBytes, perImage, images} = await store.toolkit.images.usage();
    assert.equal([totalBytes, otherBytes, perImage, images.count], [0, 0, [], 0]);
  });

  test('the total is what du says, whatever lies there', async () => {
    await using sample = await openSample();
    sample.put('ingest/blob-sha256-aa', 70_000);
    sample.put('trash/old', 30_000);
    sample.put('unknown/file', 11_111);
    const file = sample.put('containers/c1/upper/deep/file', 50_000);
    linkSync(file, join(dirname(file), 'again'));
    writeFileSync(Buffer.concat([Buffer.from(`${dirname(file)}/`), Buffer.from([0xff, 0xfe])]), Buffer.alloc(20_000));
    const {totalBytes} = await usageOf(sample.images);
    assert.is(totalBytes, await apparentSize(sample.root));
  });

  test('counts what several images need once, and tells it from what one needs', async () => {
    await using sample = await openSample();
    const {images, layers, blobs, perImage} = await usageOf(sample.images);
    assert.equal([images.count, layers.count, blobs.count], [3, 3, 3 + 6]);
    assert.is(images.bytes, layers.bytes + blobs.bytes);
    assert.is(images.reclaimableBytes, 0);
    const {two} = sample.built;
    const ofTwo = perImage.find(({image}) => image.imageId === two.config.digest);
    const before = await sample.images.usage();
    const {freedBytes} = await sample.images.remove([`${sample.host}/two:1`]);
    // The directory of a layer goes with its file.
    const after = await sample.images.usage();
    assert.is(ofTwo?.uniqueBytes, before.images.bytes - after.images.bytes);
    assert.ok(Number(freedBytes) <= Number(ofTwo?.uniqueBytes));
    assert.is(ofTwo?.bytes, Number(ofTwo?.sharedBytes) + Number(ofTwo?.uniqueBytes));
  });

  test('what no image needs, and what only untagged images need, can be had back', async () => {
    await using sample = await openSample();
    const {two} = sample.built;
    const {perImage} = await sample.images.usage();
    const unique = perImage.find(({image}) => image.imageId === two.config.digest)?.uniqueBytes;
    await sample.images.tag(`${sample.host}/one:1`, `${sample.host}/two:1`);
    sample.put(`blobs/sha256/${'0'.repeat(64)}`, 777);
    const usage = await usageOf(sample.images);
    assert.is(usage.images.reclaimableBytes, unique);
    assert.is(usage.layers.reclaimableBytes + usage.blobs.reclaimableBytes, Number(unique) + 777);
  });

  test('what somebody works with cannot be had back before that ends', async () => {
    await using sample = await openSample();
    const [blob, partial] = ['0', '1'].map((digit) => digit.repeat(64));
    sample.put(`blobs/sha256/${blob}`, 777);
    sample.put(`ingest/blob-sha256-${partial}`, 70_000);
    const reclaimable = async () => {
      const {blobs, partials} = await usageOf(sample.images);
      return [blobs.reclaimableBytes, partials.reclaimableBytes];
    };
    const store = openStore({root: sample.root, durability: 'fast'});
    const lease = await store.lease();
    await lease.claim([`sha256:${blob}`, `sha256:${partial}`]);
    assert.equal(await reclaimable(), [0, 0]);
    lease.release();
    store.close();
    assert.equal(await reclaimable(), [777, 70_000]);
  });

  test('names unfinished downloads and what containers have written', async () => {
    await using sample = await openSample();
    sample.put('ingest/blob-sha256-aa', 70_000);
    sample.put('ingest/layer-sha256-bb', 5000);
    sample.put('containers/.locks/c1.lock', 0);
    sample.put('containers/c1/upper', 50_000);
    const {partials, containers} = await usageOf(sample.images);
    assert.equal(partials, {count: 1, bytes: 70_000, reclaimableBytes: 70_000});
    assert.is(containers.count, 1);
    assert.ok(containers.bytes >= 50_000 && containers.bytes < 80_000, String(containers.bytes));
  });
});
