import * as assert from 'uvu/assert';
import {createRandom, type Random} from '../../bench/images/random.ts';
import type {Digest} from '../../src/oci/digest.ts';
import type {Database} from '../../src/store/database.ts';
import {dropBlobs} from '../../src/store/dropped-blobs.ts';
import {readAncestry} from '../../src/store/graph.ts';
import {deleteLayerFile} from '../../src/store/image-records.ts';
import {listWrongSizes, readImageSizes} from '../../src/store/image-sizes.ts';
import {describe} from '../helpers/suite.ts';
import {
  digestFor,
  imageRecordFor,
  layerFileFor,
  layerRecordsFor,
  openSampleDatabase,
  type SampleImage,
} from './sample-graph.ts';

const ROUNDS = 60;
const LETTERS = ['a', 'b', 'c', 'd'] as const;
/** A config that is a layer of other images as well. */
const LAYER_AS_CONFIG = 'a.gz';
const BLOB_BYTES = 10;

/** Few letters and configs, so that images share chains, layers, blobs and configs in every way there is. */
function randomImages(random: Random): readonly SampleImage[] {
  return Array.from({length: 1 + random.below(9)}, (_, number) => ({
    name: `image ${number}`,
    layers: Array.from({length: random.below(5)}, () => random.pick(LETTERS)).join(''),
    isPlain: random.below(4) === 0,
    storedAt: random.below(3),
    ...(random.below(3) === 0 && {config: random.pick(['one', 'two', LAYER_AS_CONFIG])}),
  }));
}

interface Damage {
  /** Layers that are only downloaded. */
  readonly packed: ReadonlySet<string>;
  /** Blobs that were dropped on purpose. */
  readonly dropped: ReadonlySet<Digest>;
}

function applyDamage(database: Database, {packed, dropped}: Damage): void {
  for (const letter of packed) deleteLayerFile(database, digestFor(letter));
  const blobs = [...dropped].map((digest) => ({digest, size: BLOB_BYTES}));
  dropBlobs(database, blobs, 1);
  database.run('UPDATE image SET config_bytes = ? WHERE config_digest = ?', BLOB_BYTES, digestFor(LAYER_AS_CONFIG));
}

describe('store/graph with random images', ({test}) => {
  test('agrees with an oracle that compares every image with every other', async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = createRandom(seed);
      const images = randomImages(random);
      const damage = {
        packed: new Set<string>(random.below(2) === 0 ? [random.pick(LETTERS)] : []),
        dropped: new Set(random.below(2) === 0 ? [digestFor(`${random.pick(['b', 'c', 'd'])}.gz`)] : []),
      };
      using sample = await openSampleDatabase(images);
      applyDamage(sample.database, damage);
      const expected = images.map((image) => ({
        manifestDigest: digestFor(image.name),
        parent: parentOf(image, images),
        ...shareOf(image, images, damage),
      }));
      const byDigest = (one: {manifestDigest: Digest}, other: {manifestDigest: Digest}) =>
        one.manifestDigest < other.manifestDigest ? -1 : 1;
      const found = readAncestry(sample.database).map(({manifestDigest, parent, sharedBytes, uniqueBytes}) => ({
        ...{manifestDigest, parent, sharedBytes, uniqueBytes},
      }));
      assert.equal(found.toSorted(byDigest), expected.toSorted(byDigest), `seed ${seed}`);
      assert.equal(listWrongSizes(sample.database), [], `seed ${seed}`);
      const sizes = readImageSizes(sample.database);
      for (const {name, layers} of images.filter(({layers}) => layers !== '')) {
        const isPacked = [...layers].some((letter) => damage.packed.has(letter));
        assert.is(
          sizes.get(digestFor(name))?.unpackedBytes,
          isPacked ? null : layers.length * layerFileFor('a').tarBytes,
          `seed ${seed}`,
        );
      }
    }
  });
});

function parentOf(image: SampleImage, images: readonly SampleImage[]): Digest | null {
  const [nearest] = images
    .filter(({layers}) => layers !== '' && image.layers.startsWith(layers) && image.layers !== layers)
    .toSorted(
      (one, other) =>
        other.layers.length - one.layers.length ||
        (one.storedAt ?? 0) - (other.storedAt ?? 0) ||
        (digestFor(one.name) < digestFor(other.name) ? -1 : 1),
    );
  return nearest ? digestFor(nearest.name) : null;
}

function shareOf(image: SampleImage, images: readonly SampleImage[], damage: Damage) {
  const others = images.filter((other) => other !== image).map((other) => partsOf(other, damage));
  let [sharedBytes, uniqueBytes] = [0, 0];
  for (const [part, bytes] of partsOf(image, damage)) {
    if (others.some((parts) => parts.has(part))) sharedBytes += bytes;
    else uniqueBytes += bytes;
  }
  return {sharedBytes, uniqueBytes};
}

/** The files of an image, with their bytes. */
function partsOf(image: SampleImage, {packed, dropped}: Damage): ReadonlyMap<string, number> {
  const {manifestDigest, manifestBytes, configDigest} = imageRecordFor(image);
  const configBytes = image.config === LAYER_AS_CONFIG ? BLOB_BYTES : 1;
  const parts = new Map([
    [`blob ${manifestDigest}`, manifestBytes],
    [`blob ${configDigest}`, configBytes],
  ]);
  for (const letter of new Set(image.layers)) {
    if (!packed.has(letter)) parts.set(`layer ${letter}`, layerFileFor(letter).fileBytes);
  }
  for (const {blobDigest, blobBytes} of layerRecordsFor(image)) {
    if (!dropped.has(blobDigest)) parts.set(`blob ${blobDigest}`, blobBytes);
  }
  return parts;
}
