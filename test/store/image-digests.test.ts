import * as assert from 'uvu/assert';
import {digestsOfImage} from '../../src/store/image-digests.ts';
import {recordIndexParts} from '../../src/store/index-parts.ts';
import {setTag} from '../../src/store/tags.ts';
import {describe} from '../helpers/suite.ts';
import {addImage, digestFor} from './sample-graph.ts';
import {openSampleStore} from './sample-store.ts';

describe('store/image-digests', ({test}) => {
  test('names the blobs and layers of an image, and of all that is stored from the same index', async () => {
    using sample = openSampleStore();
    await sample.store.write((database) => {
      for (const [name, layers] of [
        ['app', 'ab'],
        ['arm', 'ac'],
        ['alone', 'd'],
      ] as const) {
        addImage(database, {name, layers});
      }
      recordIndexParts(database, digestFor('index'), [
        {digest: digestFor('app'), kind: 'image'},
        {digest: digestFor('arm'), kind: 'image'},
        {digest: digestFor('attestation'), kind: 'blob'},
      ]);
      setTag(database, {reference: 'r:1', targetDigest: digestFor('index'), manifestDigest: digestFor('app')}, 1);
    });
    const namesOf = (image: string, among: readonly string[]) => {
      const digests = sample.store.read((database) => digestsOfImage(database, digestFor(image)), []);
      assert.is(new Set(digests).size, digests.length);
      assert.is(digests.length, among.length);
      return among.filter((name) => !digests.includes(digestFor(name)));
    };
    const whole = ['index', 'attestation', 'app', 'arm', 'app.config', 'arm.config'];
    const layers = ['a', 'b', 'c', 'a.gz', 'b.gz', 'c.gz'];
    for (const image of ['app', 'arm']) assert.equal(namesOf(image, [...whole, ...layers]), [], image);
    assert.equal(namesOf('alone', ['alone', 'alone.config', 'd', 'd.gz']), []);
  });
});
