import {createHash} from 'node:crypto';
import {existsSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type BuiltImage, buildImage} from '../../fixtures/build-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {dropBlobs, listDropped, listUnpacked} from '../../src/store/dropped-blobs.ts';
import {openStore} from '../../src/store/store.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};
const ONE = imageOf([baseTar, appTar]);
const TWO = imageOf([baseTar, otherTar]);

async function openSample(image = ONE) {
  const registry = await startRegistry();
  const store = await openTestStore();
  registry.put('one', '1', image);
  registry.put('two', '1', TWO);
  const {images} = store.toolkit;
  const reference = `${registry.host}/one:1`;
  await images.pull(reference, AMD64);
  return {
    ...{registry, images, reference, store, root: store.root},
    two: `${registry.host}/two:1`,
    blobRequests: () => countBlobs(registry),
    hasBlob: (digest: string) => existsSync(join(store.root, 'blobs', digest.replace(':', '/'))),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

const countBlobs = ({requests}: RegistryServer) =>
  requests.filter(({url, method}) => method === 'GET' && url.includes('/blobs/')).length;

const layersOf = (image: BuiltImage) => image.layers.map(({digest}) => digest);

function droppedIn(root: string): readonly string[] {
  const store = openStore({root, durability: 'fast'});
  const dropped = store.read(listDropped, []).map(({digest}) => digest);
  store.close();
  return dropped;
}

async function hashOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of content) hash.update(piece);
  return hash.digest('hex');
}

async function hashSaved({images}: TestStore['toolkit'], reference: string): Promise<string> {
  const archive = await images.save([reference]);
  try {
    return await hashOf(archive.content);
  } finally {
    await archive.close();
  }
}

describe('images/dropped-blobs', ({test}) => {
  test('prune drops the compressed copies of unpacked layers, counts them, and harms nothing', async () => {
    await using sample = await openSample();
    const {images, root} = sample;
    const before = await images.usage();
    const dry = await images.prune({blobs: true, isDryRun: true});
    assert.equal([dry.droppedBlobs, layersOf(ONE).every(sample.hasBlob), droppedIn(root)], [2, true, []]);
    const report = await images.prune({blobs: true});
    assert.equal(report, dry);
    assert.equal([report.deleted, report.freedBytes], [[], before.droppableBytes]);
    assert.equal(layersOf(ONE).map(sample.hasBlob), [false, false]);
    const after = await images.usage();
    assert.is(after.blobs.bytes, before.blobs.bytes - before.droppableBytes);
    assert.equal([after.droppableBytes, after.blobs.count], [0, 2]);
    const {findings, isClean, droppedBlobs} = await images.check({deep: true});
    assert.equal([findings, isClean, droppedBlobs], [[], true, 2]);
    assert.equal(findStoreProblems(root), []);
    assert.is((await images.prune({blobs: true})).droppedBlobs, 0);
  });

  test('what needs layer files alone asks for no blob', async () => {
    await using sample = await openSample();
    const {images, reference, two} = sample;
    const exported = async () => {
      const files = await images.export(reference, AMD64);
      try {
        return await hashOf(files.content);
      } finally {
        files.close();
      }
    };
    const before = await exported();
    await images.prune({blobs: true});
    const asked = sample.blobRequests();
    const {changed, receivedBytes} = await images.pull(reference, AMD64);
    assert.equal([changed, receivedBytes], [false, 0]);
    assert.is(await exported(), before);
    assert.is((await images.plan(reference, AMD64)).bytesToFetch, 0);
    assert.is(sample.blobRequests(), asked + 1, 'a plan reads the config');
    await images.pull(two, AMD64);
    assert.is(sample.blobRequests(), asked + 3, 'the config and the layer that are new');
    assert.ok((await images.diff(reference, two)).files.length > 0);
    assert.is((await images.check()).isClean, true);
  });

  test('a moved tag brings the layers that are new, and no dropped one', async () => {
    await using sample = await openSample();
    const {images, reference, registry} = sample;
    await images.prune({blobs: true});
    registry.put('one', '1', imageOf([baseTar, appTar, otherTar]));
    for (const options of [AMD64, {...AMD64, downloadOnly: true}]) await images.pull(reference, options);
    assert.equal(layersOf(ONE).map(sample.hasBlob), [false, false]);
    assert.equal(droppedIn(sample.root).toSorted(), layersOf(ONE).toSorted());
  });

  test('a push skips what the target has, and downloads again what it lacks', async () => {
    await using sample = await openSample();
    const {images, reference} = sample;
    await using other = await startRegistry();
    await images.prune({blobs: true});
    const asked = sample.blobRequests();
    await images.push(reference);
    await images.push(reference, {destination: sample.reference.replace('one:1', 'one:2')});
    assert.is(sample.blobRequests(), asked);
    await images.push(reference, {destination: `${other.host}/one:1`});
    assert.is(sample.blobRequests(), asked + 2);
    assert.equal([layersOf(ONE).map(sample.hasBlob), droppedIn(sample.root)], [[true, true], []]);
    await using reader = await openTestStore();
    await reader.toolkit.images.pull(`${other.host}/one:1`, AMD64);
    assert.equal(findStoreProblems(reader.root), []);
  });

  test('a saved archive is the same as before', async () => {
    await using sample = await openSample();
    const before = await hashSaved(sample.store.toolkit, sample.reference);
    await sample.images.prune({blobs: true});
    assert.is(await hashSaved(sample.store.toolkit, sample.reference), before);
    assert.equal(droppedIn(sample.root), []);
    assert.equal(findStoreProblems(sample.root), []);
  });

  test('what came from nowhere else is refused when its registry is away, and still has its files', async () => {
    await using sample = await openSample();
    const {images, reference, registry} = sample;
    await images.prune({blobs: true});
    registry.setFaults([{on: 'any', status: 404}]);
    const {code, message} = await rejectionOf(images.save([reference]));
    assert.is(code, 'BLOB_DROPPED');
    assert.match(message, /^the compressed copy of layer \w+ was dropped and cannot be had again: /);
    assert.is((await images.check({deep: true})).isClean, true);
  });

  test('a layer that came without compression needs no registry', async () => {
    const plain = buildImage({layers: [baseTar, appTar], compression: 'none'});
    await using sample = await openSample(plain);
    const before = await hashSaved(sample.store.toolkit, sample.reference);
    assert.is((await sample.images.prune({blobs: true})).droppedBlobs, 2);
    sample.registry.setFaults([{on: 'any', status: 404}]);
    assert.is(await hashSaved(sample.store.toolkit, sample.reference), before);
    assert.equal(findStoreProblems(sample.root), []);
  });

  test('a damaged layer file whose copy was dropped is repaired from the registry', async () => {
    await using sample = await openSample();
    await sample.images.prune({blobs: true});
    const [diffId = ''] = readdirSync(join(sample.root, 'layers/sha256'));
    rmSync(join(sample.root, 'layers/sha256', diffId, 'layer.erofs'));
    assert.is((await sample.images.check()).isClean, false);
    assert.is((await sample.images.check({repair: true})).isClean, true);
    const {isClean, droppedBlobs} = await sample.images.check({deep: true});
    assert.equal([isClean, droppedBlobs, findStoreProblems(sample.root)], [true, 1, []]);
  });

  test('a pull that writes a layer file anew keeps the copy that it brings', async () => {
    await using sample = await openSample();
    await sample.images.prune({blobs: true});
    for (const diffId of readdirSync(join(sample.root, 'layers/sha256'))) {
      rmSync(join(sample.root, 'layers/sha256', diffId, 'layer.erofs'));
    }
    await sample.images.pull(sample.reference, AMD64);
    await sample.images.prune();
    assert.equal([layersOf(ONE).map(sample.hasBlob), droppedIn(sample.root)], [[true, true], []]);
    assert.equal(findStoreProblems(sample.root), []);
  });

  test('a drop that was interrupted before the files went is no damage, and goes on with the next collection', async () => {
    await using sample = await openSample();
    const store = openStore({root: sample.root, durability: 'fast'});
    await store.write((database) => dropBlobs(database, listUnpacked(database), 1));
    store.close();
    const {isClean, droppedBlobs} = await sample.images.check({deep: true});
    assert.equal([isClean, droppedBlobs, findStoreProblems(sample.root)], [true, 0, []]);
    const asked = sample.blobRequests();
    await hashSaved(sample.store.toolkit, sample.reference);
    assert.is(sample.blobRequests(), asked);
    const report = await sample.images.prune();
    assert.ok(Number(report.freedBytes) > 0);
    assert.equal(layersOf(ONE).map(sample.hasBlob), [false, false]);
  });

  test('an image that is removed takes the mark with it, and comes whole again', async () => {
    await using sample = await openSample();
    await sample.images.prune({blobs: true});
    await sample.images.remove([sample.reference]);
    assert.equal(droppedIn(sample.root), []);
    await sample.images.pull(sample.reference, AMD64);
    assert.equal(layersOf(ONE).map(sample.hasBlob), [true, true]);
  });

  test('a copy that somebody works with stays', async () => {
    await using sample = await openSample();
    const store = openStore({root: sample.root, durability: 'fast'});
    const [base, app] = ONE.layers;
    if (!base || !app) throw new Error('the sample has no layers');
    const lease = await store.lease();
    await lease.claim([base.digest]);
    assert.is((await sample.images.prune({blobs: true})).droppedBlobs, 1);
    assert.equal([droppedIn(sample.root), sample.hasBlob(base.digest)], [[app.digest], true]);
    lease.release();
    store.close();
    assert.is((await sample.images.prune({blobs: true})).droppedBlobs, 1);
  });

  test('an image that is pulled while the last other one without the copy is removed has it dropped as well', async () => {
    await using sample = await openSample();
    const {images, registry, reference, two} = sample;
    await images.prune({blobs: true});
    const elsewhere = (await sample.store.open()).images;
    const added = TWO.layers[1]?.digest ?? '';
    registry.setFaults([{on: 'blob', matching: added, delayMs: 500}]);
    const removals: Promise<unknown>[] = [];
    await images.pull(two, {
      ...AMD64,
      onEvent: (event) => {
        if (event.type === 'blob:started' && event.digest === added) removals.push(elsewhere.remove([reference]));
      },
    });
    await Promise.all(removals);
    assert.is(removals.length, 1);
    assert.equal(droppedIn(sample.root), layersOf(TWO).slice(0, 1));
    assert.equal([(await images.check({deep: true})).isClean, findStoreProblems(sample.root)], [true, []]);
  });

  test('a layer that is only downloaded is kept, and so is what an image outside of the filter has', async () => {
    const kept = imageOf([baseTar, otherTar], {config: {Labels: {keep: ''}}});
    await using sample = await openSample();
    const {images, registry, two} = sample;
    registry.put('two', '1', kept);
    await images.pull(two, {...AMD64, downloadOnly: true});
    assert.is((await images.prune({blobs: true, isDryRun: true})).droppedBlobs, 2);
    const labels = [{name: 'keep', value: null, isExcluded: true}];
    assert.is((await images.prune({blobs: true, labels})).droppedBlobs, 1);
    const [base = '', app = ''] = layersOf(ONE);
    assert.equal([sample.hasBlob(base), sample.hasBlob(app)], [true, false]);
  });

  test('a database that is rebuilt without the copies is sound, and a pull makes the image whole', async () => {
    await using sample = await openSample();
    await sample.images.prune({blobs: true});
    await sample.store.toolkit.close();
    writeFileSync(join(sample.root, 'winch.db'), 'no database at all '.repeat(999));
    const {images} = await sample.store.open();
    assert.is((await images.check({repair: true})).isClean, true);
    assert.is((await images.check({deep: true})).isClean, true);
    await images.pull(sample.reference, AMD64);
    assert.equal(findStoreProblems(sample.root), []);
  });
});
