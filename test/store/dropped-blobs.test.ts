import * as assert from 'uvu/assert';
import {dropBlobs, isDropped, keepBlob, listDropped, listUnpacked} from '../../src/store/dropped-blobs.ts';
import {deleteLayerFile} from '../../src/store/image-records.ts';
import {recordIndexParts} from '../../src/store/index-parts.ts';
import {readUsage} from '../../src/store/usage.ts';
import {describe} from '../helpers/suite.ts';
import {addImage, digestFor, NO_TREES, openSampleDatabase} from './sample-graph.ts';

const A = {digest: digestFor('a.gz'), size: 10};

describe('store/dropped-blobs', ({test}) => {
  test('a blob is dropped until it is kept again', async () => {
    using sample = await openSampleDatabase([{name: 'app', layers: 'ab'}]);
    const {database} = sample;
    const before = readUsage(database, NO_TREES);
    dropBlobs(database, [A], 1);
    dropBlobs(database, [A], 2);
    assert.equal(listDropped(database), [A]);
    assert.equal([isDropped(database, A.digest), isDropped(database, digestFor('b.gz'))], [true, false]);
    assert.is(readUsage(database, NO_TREES), before - A.size);
    keepBlob(database, A.digest);
    assert.equal([listDropped(database), readUsage(database, NO_TREES)], [[], before]);
  });

  test('lists the blobs of recorded layer files with their images, once and not again when dropped', async () => {
    using sample = await openSampleDatabase([
      {name: 'one', layers: 'ab'},
      {name: 'two', layers: 'aa'},
    ]);
    const {database} = sample;
    deleteLayerFile(database, digestFor('b'));
    const [found, ...more] = listUnpacked(database);
    assert.equal(more, []);
    assert.equal(
      {...found, users: [...(found?.users ?? [])].toSorted()},
      {
        ...A,
        diffId: digestFor('a'),
        fileBytes: 100,
        users: [digestFor('one'), digestFor('two')].toSorted(),
      },
    );
    dropBlobs(database, [A], 1);
    assert.equal(listUnpacked(database), []);
  });

  test('a blob that something else needs as well is none that the store may do without', async () => {
    using sample = await openSampleDatabase();
    const {database} = sample;
    addImage(database, {name: 'app', layers: 'a'});
    recordIndexParts(database, digestFor('index'), [{digest: A.digest, kind: 'blob'}]);
    assert.equal(listUnpacked(database), []);
  });
});
