import * as assert from 'uvu/assert';
import {readAncestry} from '../../src/store/graph.ts';
import {describe} from '../helpers/suite.ts';
import {digestFor, openSampleDatabase, type SampleImage} from './sample-graph.ts';

describe('store/graph', ({test}) => {
  const ancestryOf = async (...images: readonly SampleImage[]) => {
    using sample = await openSampleDatabase(images);
    const names = new Map(images.map(({name}) => [digestFor(name), name]));
    return readAncestry(sample.database).map(({manifestDigest, parent, sharedBytes, uniqueBytes}) => ({
      name: names.get(manifestDigest),
      parent: parent && names.get(parent),
      sharedBytes,
      uniqueBytes,
    }));
  };
  const parentsOf = async (...images: readonly SampleImage[]) =>
    Object.fromEntries((await ancestryOf(...images)).map(({name, parent}) => [name, parent]));

  test('an image descends from the longest chain that its own starts with', async () => {
    const images = [
      {name: 'base', layers: 'a'},
      {name: 'middle', layers: 'ab'},
      {name: 'leaf', layers: 'abcd'},
      {name: 'other', layers: 'b'},
    ];
    assert.equal(await parentsOf(...images), {base: null, middle: 'base', leaf: 'middle', other: null});
    assert.equal(await parentsOf(...images.toReversed()), {base: null, middle: 'base', leaf: 'middle', other: null});
  });

  test('layers in another order are no ancestors', async () => {
    assert.equal(await parentsOf({name: 'one', layers: 'ba'}, {name: 'two', layers: 'abc'}), {one: null, two: null});
  });

  test('images of one chain are siblings, and the oldest is the parent of what extends it', async () => {
    const parents = await parentsOf(
      {name: 'base', layers: 'a'},
      {name: 'younger', layers: 'ab', storedAt: 2},
      {name: 'older', layers: 'ab', storedAt: 1},
      {name: 'leaf', layers: 'abc'},
    );
    assert.equal(parents, {base: null, younger: 'base', older: 'base', leaf: 'older'});
  });

  test('an image without layers is a root, and nobody descends from it', async () => {
    const rows = await ancestryOf({name: 'empty', layers: ''}, {name: 'full', layers: 'a'});
    assert.equal(
      rows.map(({parent}) => parent),
      [null, null],
    );
    assert.equal(rows.find(({name}) => name === 'empty')?.uniqueBytes, 2);
  });

  test('a chain with one layer twice has its own place', async () => {
    assert.equal(await parentsOf({name: 'once', layers: 'a'}, {name: 'twice', layers: 'aa'}), {
      once: null,
      twice: 'once',
    });
  });

  test('bytes are shared or unique, and a layer that comes twice counts once', async () => {
    const rows = await ancestryOf({name: 'base', layers: 'a'}, {name: 'leaf', layers: 'abb', storedAt: 1});
    assert.equal(rows, [
      {name: 'base', parent: null, sharedBytes: 110, uniqueBytes: 2},
      {name: 'leaf', parent: 'base', sharedBytes: 110, uniqueBytes: 112},
    ]);
  });

  test('a plain blob and its layer file of one digest are two parts of one image', async () => {
    const [alone] = await ancestryOf({name: 'plain', layers: 'a', isPlain: true});
    assert.equal(alone, {name: 'plain', parent: null, sharedBytes: 0, uniqueBytes: 112});
    const rows = await ancestryOf(
      {name: 'plain', layers: 'a', isPlain: true},
      {name: 'packed', layers: 'a', storedAt: 1},
    );
    assert.equal(
      rows.map(({sharedBytes, uniqueBytes}) => [sharedBytes, uniqueBytes]),
      [
        [100, 12],
        [100, 12],
      ],
    );
  });

  test('manifests with one config share it', async () => {
    const rows = await ancestryOf({name: 'one', layers: '', config: 'c'}, {name: 'two', layers: '', config: 'c'});
    assert.equal(
      rows.map(({sharedBytes, uniqueBytes}) => [sharedBytes, uniqueBytes]),
      [
        [1, 1],
        [1, 1],
      ],
    );
  });

  test('has no rows without images', async () => {
    assert.equal(await ancestryOf(), []);
  });
});
