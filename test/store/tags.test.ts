import * as assert from 'uvu/assert';
import {imagesOfIndex, recordIndexParts} from '../../src/store/index-parts.ts';
import {deleteTag, findTag, listTags, setTag, type TagRecord, tagsOf} from '../../src/store/tags.ts';
import {describe} from '../helpers/suite.ts';
import {digestFor, openSampleDatabase} from './sample-graph.ts';

describe('store/tags', ({test}) => {
  const images = [
    {name: 'one', layers: 'a'},
    {name: 'two', layers: 'ab'},
  ];
  const tag = (reference: string, name: string, target = name): TagRecord => ({
    reference,
    targetDigest: digestFor(target),
    manifestDigest: digestFor(name),
  });

  test('says whether a tag changed: new, moved, or another index around the same image', async () => {
    using sample = await openSampleDatabase(images);
    const {database} = sample;
    assert.is(setTag(database, tag('r:1', 'one'), 1), true);
    assert.is(setTag(database, tag('r:1', 'one'), 2), false);
    assert.is(setTag(database, tag('r:1', 'one', 'index'), 3), true);
    assert.is(setTag(database, tag('r:1', 'two', 'index'), 4), true);
    assert.equal(findTag(database, 'r:1'), tag('r:1', 'two', 'index'));
    assert.equal(listTags(database).length, 1);
  });

  test('a tag never names an image that is not there', async () => {
    using sample = await openSampleDatabase(images);
    assert.throws(() => setTag(sample.database, tag('r:1', 'absent'), 1), /FOREIGN KEY/);
    assert.is(findTag(sample.database, 'r:1'), null);
  });

  test('lists all tags and those of one image by name, exactly as written', async () => {
    using sample = await openSampleDatabase(images);
    const {database} = sample;
    for (const [reference, name] of [
      ['r:b', 'one'],
      ['r:a', 'one'],
      ['R:a', 'two'],
      ["r:'--", 'two'],
    ] as const) {
      setTag(database, tag(reference, name), 1);
    }
    assert.equal(
      listTags(database).map(({reference}) => reference),
      ['R:a', "r:'--", 'r:a', 'r:b'],
    );
    assert.equal(tagsOf(database, digestFor('one')), [tag('r:a', 'one'), tag('r:b', 'one')]);
  });

  test('an image is also tagged by the index that it was stored from', async () => {
    using sample = await openSampleDatabase(images);
    const {database} = sample;
    setTag(database, tag('r:1', 'one', 'index'), 1);
    recordIndexParts(database, digestFor('index'), [
      {digest: digestFor('one'), kind: 'image'},
      {digest: digestFor('two'), kind: 'image'},
      {digest: digestFor('nested'), kind: 'index'},
    ]);
    for (const name of ['one', 'two']) assert.equal(tagsOf(database, digestFor(name)), [tag('r:1', 'one', 'index')]);
    assert.equal(tagsOf(database, digestFor('nested')), []);
    assert.equal(
      imagesOfIndex(database, digestFor('index'))
        .map(({manifestDigest}) => manifestDigest)
        .toSorted(),
      ['one', 'two'].map(digestFor).toSorted(),
    );
  });

  test('deleting says whether there was one', async () => {
    using sample = await openSampleDatabase(images);
    setTag(sample.database, tag('r:1', 'one'), 1);
    assert.is(deleteTag(sample.database, 'r:1', 2), true);
    assert.is(deleteTag(sample.database, 'r:1', 2), false);
  });
});
