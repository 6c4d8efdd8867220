import {mkdirSync, utimesSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import * as assert from 'uvu/assert';
import {createRandom, type Random} from '../../bench/images/random.ts';
import {findFamilies} from '../../src/images/families.ts';
import {chooseLeastUsed} from '../../src/images/least-used.ts';
import type {Digest} from '../../src/oci/digest.ts';
import type {Database} from '../../src/store/database.ts';
import {dropBlobs} from '../../src/store/dropped-blobs.ts';
import {type FileSizes, measureFiles} from '../../src/store/file-sizes.ts';
import {deleteImage, listImages} from '../../src/store/image-records.ts';
import {imagesOfIndex, recordIndexParts} from '../../src/store/index-parts.ts';
import {lastUseOf} from '../../src/store/last-use.ts';
import {readNeeded} from '../../src/store/needed.ts';
import type {StorePaths} from '../../src/store/paths.ts';
import {deleteTag, listTags, setTag} from '../../src/store/tags.ts';
import {describe} from '../helpers/suite.ts';
import {addImage, digestFor, imageRecordFor, layerRecordsFor, type SampleImage} from '../store/sample-graph.ts';
import {openSampleStore} from '../store/sample-store.ts';

const ROUNDS = 40;
const LETTERS = ['a', 'b', 'c', 'd', 'e'] as const;
const INDEXES = ['index one', 'index two', 'index three'] as const;

describe('images/least-used with random images', ({test}) => {
  test('agrees with an oracle that removes one family after the other and looks what is needed then', async () => {
    let removals = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = createRandom(seed);
      using sample = openSampleStore();
      const {store} = sample;
      const images = randomImages(random);
      const staying = new Set<Digest>(images.filter(() => random.below(5) === 0).map(({name}) => digestFor(name)));
      await store.write((database) => fillStore(database, {paths: store.paths, images, random}));
      await store.write((database) => {
        const sizes = measureFiles(store.paths);
        const choose = (keepBytes: number) =>
          chooseLeastUsed(
            database,
            {store},
            {
              ...{keepBytes, sizes, families: findFamilies(database), dropped: new Set()},
              isRemovable: ({manifestDigest}) => !staying.has(manifestDigest),
            },
          );
        const all = neededBytes(database, sizes);
        const fixed = choose(Number.POSITIVE_INFINITY).storeBytes - all;
        const goal = random.below(all);
        const {chosen, storeBytes} = choose(fixed + goal);
        const removed: Digest[][] = [];
        for (const family of familiesByUse(database, store.paths)) {
          if (neededBytes(database, sizes) <= goal) break;
          if (family.some((digest) => staying.has(digest))) continue;
          removed.push(family);
          for (const digest of family) remove(database, digest);
        }
        const found = chosen.map((family) => family.map(({manifestDigest}) => manifestDigest).toSorted());
        assert.equal(found, removed, `seed ${seed}`);
        assert.is(storeBytes, fixed + neededBytes(database, sizes), `seed ${seed}`);
        removals += removed.length;
      });
    }
    assert.ok(removals > ROUNDS, String(removals));
  });
});

/** Few letters and configs, so that images share layers, blobs and configs. */
const randomImages = (random: Random): readonly SampleImage[] =>
  Array.from({length: 1 + random.below(9)}, (_, number) => ({
    name: `image ${number}`,
    layers: Array.from({length: random.below(6)}, () => random.pick(LETTERS)).join(''),
    isPlain: random.below(4) === 0,
    ...(random.below(3) === 0 && {config: random.pick(['one', 'two', 'a.gz'])}),
  }));

interface Filling {
  readonly paths: StorePaths;
  readonly images: readonly SampleImage[];
  readonly random: Random;
}

function fillStore(database: Database, {paths, images, random}: Filling): void {
  const write = (path: string, usedAt = 1) => {
    mkdirSync(dirname(path), {recursive: true});
    writeFileSync(path, Buffer.alloc(1 + random.below(1000)));
    utimesSync(path, usedAt, usedAt);
  };
  for (const digest of [...INDEXES, 'attestation'].map(digestFor)) write(paths.blob(digest));
  for (const [number, image] of images.entries()) {
    const digest = addImage(database, image);
    for (const {blobDigest, diffId} of layerRecordsFor(image)) [paths.blob(blobDigest), paths.layer(diffId)].map(write);
    write(paths.blob(imageRecordFor(image).configDigest));
    // Each another second.
    write(paths.blob(digest), 1000 + ((number * 7) % 11));
    const index = digestFor(random.pick(INDEXES));
    const kinds = [{digest, kind: 'image'} as const, {digest: digestFor('attestation'), kind: 'blob'} as const];
    if (random.below(2) === 0) recordIndexParts(database, index, kinds);
    for (let tag = random.below(3); tag > 0; tag -= 1) {
      const targetDigest = imagesOfIndex(database, index).some((member) => member.manifestDigest === digest)
        ? index
        : digest;
      setTag(database, {reference: `app:${number}-${tag}`, targetDigest, manifestDigest: digest}, 1);
    }
  }
  dropBlobs(database, [{digest: digestFor(`${random.pick(LETTERS)}.gz`), size: 1}], 1);
}

const neededBytes = (database: Database, {blobs, layers}: FileSizes): number => {
  const needed = readNeeded(database);
  const sum = (digests: ReadonlySet<unknown>, sizes: ReadonlyMap<string, number>) =>
    [...digests].reduce<number>((bytes, digest) => bytes + (sizes.get(String(digest)) ?? 0), 0);
  return sum(needed.blobs, blobs) + sum(needed.layers, layers);
};

function familiesByUse(database: Database, paths: StorePaths): readonly (readonly Digest[] & Digest[])[] {
  let families = listImages(database).map(({manifestDigest}) => new Set([manifestDigest]));
  for (const {manifestDigest, targetDigest} of listTags(database)) {
    const members = new Set([
      manifestDigest,
      ...imagesOfIndex(database, targetDigest).map((one) => one.manifestDigest),
    ]);
    const isTouched = (family: ReadonlySet<Digest>) => [...family].some((one) => members.has(one));
    const merged = new Set(families.filter(isTouched).flatMap((family) => [...family]));
    families = [...families.filter((family) => !isTouched(family)), merged];
  }
  const usedAt = (family: ReadonlySet<Digest>) => Math.max(...[...family].map((one) => lastUseOf(paths, one) ?? 0));
  return families.toSorted((a, b) => usedAt(a) - usedAt(b)).map((family) => [...family].toSorted());
}

function remove(database: Database, digest: Digest): void {
  for (const {reference, manifestDigest} of listTags(database)) {
    if (manifestDigest === digest) deleteTag(database, reference, 2);
  }
  deleteImage(database, digest);
}
