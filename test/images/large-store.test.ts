import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {readLineage} from '../../src/images/lineage.ts';
import {listStoredImages} from '../../src/images/list.ts';
import {readTree} from '../../src/images/tree.ts';
import {openDatabase} from '../../src/store/database.ts';
import {openStore} from '../../src/store/store.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {fillDatabase} from '../store/large-store.ts';
import {digestFor} from '../store/sample-graph.ts';

/** Over ten times what it takes on an idle machine with 2 000 images, and a tenth of what a query for each image did. */
const LIMIT_MS = 2000;

describe('images with 2 000 images and 22 000 layers in the store', ({test, before, after}) => {
  const directory = makeTemporaryDirectory();
  const root = join(directory.path, 'store');
  const store = openStore({root, durability: 'fast'});
  before(async () => {
    const database = await openDatabase(store.paths.database, 'fast');
    database.transaction(() => fillDatabase(database, 2000));
    database.close();
  });
  after(() => {
    store.close();
    directory[Symbol.dispose]();
  });

  test('lists them all with their sizes', () => {
    const images = within(() => listStoredImages(store));
    assert.is(images.length, 2500);
    const last = images.find(({manifestDigest}) => manifestDigest === digestFor('image 9'));
    assert.equal([last?.compressedBytes, last?.unpackedBytes], [20 * 1000 + 500 + 700, 20 * 5000]);
  });

  test('draws the tree with what is shared', () => {
    const roots = within(() => readTree(store));
    assert.is(roots.length, 200);
    const [first] = roots;
    assert.equal([first?.sharedBytes, first?.uniqueBytes], [2 * 7000, 500 + 700]);
    assert.is(first?.children[0]?.children.length, 1);
  });

  test('finds parent and children', () => {
    const lineage = within(() => store.read((database) => readLineage(database, digestFor('image 1005')), null));
    assert.equal(lineage, {parent: digestFor('image 1004'), children: [digestFor('image 1006')]});
  });
});

function within<T>(query: () => T): T {
  const started = performance.now();
  const result = query();
  const took = performance.now() - started;
  assert.ok(took < LIMIT_MS, `${took} ms`);
  return result;
}
