import * as assert from 'uvu/assert';
import {digestHex} from '../../src/oci/digest.ts';
import {
  deleteImage,
  findImage,
  findImagesById,
  findLayerFile,
  layersOf,
  listImages,
  recordImage,
  recordLayerFile,
} from '../../src/store/image-records.ts';
import {setTag} from '../../src/store/tags.ts';
import {describe} from '../helpers/suite.ts';
import {
  addImage,
  digestFor,
  imageRecordFor,
  layerFileFor,
  layerRecordsFor,
  openSampleDatabase,
} from './sample-graph.ts';

describe('store/image-records', ({test}) => {
  test('gives back what was recorded, layers base first', async () => {
    const image = {name: 'app', layers: 'cab'};
    using sample = await openSampleDatabase([image]);
    const {database} = sample;
    assert.equal(findImage(database, digestFor('app')), imageRecordFor(image));
    assert.equal(
      layersOf(database, digestFor('app')),
      [...'cab'].map((letter, position) => ({
        ...layerFileFor(letter),
        ...layerRecordsFor(image)[position],
      })),
    );
    assert.equal(findLayerFile(database, digestFor('a')), layerFileFor('a'));
    assert.is(findImage(database, digestFor('none')), null);
    assert.is(findLayerFile(database, digestFor('none')), null);
  });

  test('one layer at two places is listed at both', async () => {
    using sample = await openSampleDatabase([{name: 'app', layers: 'aba'}]);
    const diffIds = layersOf(sample.database, digestFor('app')).map(({diffId}) => diffId);
    assert.equal(diffIds, [...'aba'].map(digestFor));
  });

  test('recording an image again changes nothing', async () => {
    const image = {name: 'app', layers: 'ab', storedAt: 1};
    using sample = await openSampleDatabase([image]);
    addImage(sample.database, {...image, storedAt: 2});
    assert.equal(listImages(sample.database), [imageRecordFor(image)]);
    assert.is(layersOf(sample.database, digestFor('app')).length, 2);
  });

  test('a layer file that was written anew replaces its record', async () => {
    using sample = await openSampleDatabase([{name: 'app', layers: 'a'}]);
    const rewritten = {...layerFileFor('a'), fileBytes: 512};
    recordLayerFile(sample.database, rewritten);
    assert.equal(findLayerFile(sample.database, digestFor('a')), rewritten);
  });

  test('an image whose chain was not recorded is refused', async () => {
    using sample = await openSampleDatabase();
    assert.throws(() => recordImage(sample.database, imageRecordFor({name: 'app', layers: 'a'}), []), /FOREIGN KEY/);
  });

  test('finds images by the first digits of their ids, never by the algorithm', async () => {
    const [first, second] = [
      {name: 'one', layers: 'a', config: 'c'},
      {name: 'two', layers: 'b', config: 'c'},
    ];
    using sample = await openSampleDatabase([first, second, {name: 'three', layers: 'a'}]);
    const hex = digestHex(digestFor('c'));
    for (const prefix of [hex, hex.slice(0, 6)]) {
      const found = findImagesById(sample.database, prefix).map(({manifestDigest}) => manifestDigest);
      assert.equal(found, [digestFor('one'), digestFor('two')].toSorted());
    }
    for (const prefix of ['sha256', `${hex.slice(0, 4)}%`, `_${hex.slice(1)}`]) {
      assert.equal(findImagesById(sample.database, prefix), []);
    }
  });

  test('lists the newest first', async () => {
    using sample = await openSampleDatabase([
      {name: 'old', layers: '', storedAt: 1},
      {name: 'new', layers: '', storedAt: 2},
    ]);
    const listed = listImages(sample.database).map(({manifestDigest}) => manifestDigest);
    assert.equal(listed, [digestFor('new'), digestFor('old')]);
  });

  test('deleting an image leaves what others share, and a tagged one stays', async () => {
    using sample = await openSampleDatabase([
      {name: 'base', layers: 'a'},
      {name: 'leaf', layers: 'ab'},
    ]);
    const {database} = sample;
    setTag(database, {reference: 'r', targetDigest: digestFor('base'), manifestDigest: digestFor('base')}, 1);
    assert.throws(() => deleteImage(database, digestFor('base')), /FOREIGN KEY/);
    deleteImage(database, digestFor('leaf'));
    assert.is(findImage(database, digestFor('leaf')), null);
    assert.equal(layersOf(database, digestFor('leaf')), []);
    assert.is(layersOf(database, digestFor('base')).length, 1);
  });
});
