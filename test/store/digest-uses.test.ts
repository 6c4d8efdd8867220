import * as assert from 'uvu/assert';
import type {Digest} from '../../src/oci/digest.ts';
import type {Database} from '../../src/store/database.ts';
import {findDigestUses} from '../../src/store/digest-uses.ts';
import {recordIndexParts} from '../../src/store/index-parts.ts';
import {describe} from '../helpers/suite.ts';
import {digestFor, openSampleDatabase} from './sample-graph.ts';

const IMAGES = [
  {name: 'base', layers: 'a'},
  {name: 'app', layers: 'ab', storedAt: 1},
];

describe('store/digest-uses', ({test}) => {
  const names = new Map(IMAGES.map(({name}) => [digestFor(name), name]));
  const usesOf = (database: Database, prefix: string) =>
    findDigestUses(database, prefix)
      .map(({manifestDigest, position, role}) => `${names.get(manifestDigest)} ${role} ${position}`)
      .toSorted();

  test('finds every role by the digest and by each of its beginnings', async () => {
    using sample = await openSampleDatabase(IMAGES);
    const rows: readonly (readonly [Digest, readonly string[]])[] = [
      [digestFor('app'), ['app manifest null']],
      [digestFor('app.config'), ['app config null']],
      [digestFor('b.gz'), ['app layer 1']],
      [digestFor('b'), ['app diff-id 1']],
      [digestFor('a'), ['app chain-id 0', 'app diff-id 0', 'base chain-id 0', 'base diff-id 0']],
    ];
    for (const [digest, expected] of rows) {
      for (const length of [digest.length, digest.length - 1, 20]) {
        assert.equal(usesOf(sample.database, digest.slice(0, length)), expected, `${digest} ${length}`);
      }
    }
    assert.equal(usesOf(sample.database, `${digestFor('app')}0`), []);
    assert.equal(usesOf(sample.database, `sha256:${'f'.repeat(64)}`), []);
  });

  test('finds an index, and what came in it beside the images', async () => {
    using sample = await openSampleDatabase(IMAGES);
    const [index, attestation] = [digestFor('index'), digestFor('attestation')];
    recordIndexParts(sample.database, index, [
      {digest: digestFor('app'), kind: 'image'},
      {digest: digestFor('base'), kind: 'image'},
      {digest: attestation, kind: 'blob'},
    ]);
    assert.equal(usesOf(sample.database, index), ['app index null', 'base index null']);
    assert.equal(usesOf(sample.database, attestation.slice(0, 30)), ['app index-part null', 'base index-part null']);
  });
});
