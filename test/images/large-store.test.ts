import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {inspectImage} from '../../src/images/inspect.ts';
import {readLineage} from '../../src/images/lineage.ts';
import {listStoredImages} from '../../src/images/list.ts';
import {readTree} from '../../src/images/tree.ts';
import {openDatabase} from '../../src/store/database.ts';
import {openStore} from '../../src/store/store.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {
  BASE_LAYERS,
  BLOB_BYTES,
  FAMILY,
  FILE_BYTES,
  fillDatabase,
  largeImage,
  OWN_LAYERS,
  TAR_BYTES,
  writeFiles,
} from '../store/large-store.ts';

/** Over ten times what it takes on an idle machine with 2 000 images, and a tenth of what a query for each image did. */
const LIMIT_MS = 2000;

const IMAGES = Array.from({length: 2000}, (_, number) => largeImage(number));

describe('images with 2 000 images and 21 300 layers in the store', ({test, before, after}) => {
  const directory = makeTemporaryDirectory();
  const root = join(directory.path, 'store');
  const store = openStore({root, durability: 'fast'});
  before(async () => {
    const database = await openDatabase(store.paths.database, 'fast');
    database.transaction(() => fillDatabase(database, IMAGES));
    database.close();
  });
  after(() => {
    store.close();
    directory[Symbol.dispose]();
  });

  test('lists them all with their sizes', () => {
    const images = within(() => listStoredImages(store));
    assert.is(images.length, 2500);
    const {image} = largeImage(1);
    const found = images.find(({manifestDigest}) => manifestDigest === image.manifestDigest);
    const layers = BASE_LAYERS + OWN_LAYERS;
    assert.is(found?.compressedBytes, layers * BLOB_BYTES + image.manifestBytes + image.configBytes);
    assert.is(found?.unpackedBytes, layers * TAR_BYTES);
  });

  test('draws the tree with what is shared', () => {
    const roots = within(() => readTree(store));
    assert.is(roots.length, IMAGES.length / FAMILY);
    const [first] = roots;
    const {image} = largeImage(0);
    const layerBytes = BLOB_BYTES + FILE_BYTES;
    assert.equal(
      [first?.sharedBytes, first?.uniqueBytes],
      [BASE_LAYERS * layerBytes, image.manifestBytes + image.configBytes],
    );
    assert.is(first?.children.length, 15);
    assert.is(first?.children.at(-1)?.children.length, 4);
  });

  test('names parent and children', () => {
    writeFiles(store.paths, IMAGES.slice(1000, 1001));
    const {parent, children} = within(() => inspectImage(store, 'registry.example/app0:1000'));
    assert.equal([parent, children.length], [null, 15]);
    const [first] = children;
    assert.equal(first, {imageId: largeImage(1001).image.configDigest, references: ['registry.example/app1:1001']});
  });

  test('finds parent and children', () => {
    const digestOf = (number: number) => largeImage(number).image.manifestDigest;
    const [base, second, last] = [digestOf(1000), digestOf(1015), digestOf(1019)];
    const lineage = within(() => store.read((database) => readLineage(database, second), null));
    assert.equal([lineage?.parent, lineage?.children.length, lineage?.children.at(-1)], [base, 4, last]);
  });
});

function within<T>(query: () => T): T {
  const started = performance.now();
  const result = query();
  const took = performance.now() - started;
  assert.ok(took < LIMIT_MS, `${took} ms`);
  return result;
}
