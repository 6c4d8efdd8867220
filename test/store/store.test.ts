import {existsSync, readdirSync, statSync} from 'node:fs';
import {setImmediate} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {digestHex, digestOf} from '../../src/oci/digest.ts';
import {listImages} from '../../src/store/image-records.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {runOnDisk} from '../helpers/run-on-disk.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {addImage, digestFor} from './sample-graph.ts';
import {openSampleStore} from './sample-store.ts';

const skip = missingFor('unshare', 'mount');

describe('store/store', ({test}) => {
  const openFiles = () => readdirSync('/proc/self/fd').length;

  test('opening and reading create nothing', () => {
    using sample = openSampleStore();
    assert.is(sample.store.read(listImages, null), null);
    assert.not.ok(existsSync(sample.root));
  });

  test('writing makes the store for its owner alone', async () => {
    using sample = openSampleStore();
    await sample.store.write((database) => addImage(database, {name: 'app', layers: 'a'}));
    assert.is(statSync(sample.root).mode & 0o777, 0o700);
    assert.is(sample.store.read(listImages, []).length, 1);
  });

  test('a handle that read an absent store sees what another one wrote', async () => {
    using sample = openSampleStore();
    const other = sample.open();
    assert.is(other.read(listImages, null), null);
    await sample.store.write((database) => addImage(database, {name: 'one', layers: 'a'}));
    assert.is(other.read(listImages, []).length, 1);
    await sample.store.write((database) => addImage(database, {name: 'two', layers: 'a'}));
    assert.is(other.read(listImages, []).length, 2);
  });

  test('writes at the same time share one connection, which closing ends', async () => {
    using sample = openSampleStore();
    const before = openFiles();
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map((name) => sample.store.write((database) => addImage(database, {name, layers: name}))));
    assert.is(sample.store.read(listImages, []).length, 4);
    sample.store.close();
    assert.is(openFiles(), before);
    assert.equal(readdirSync(sample.root).toSorted(), ['index.json', 'oci-layout', 'winch.db']);
    assert.is(sample.store.read(listImages, []).length, 4, 'it opens again when it is needed');
  });

  test('several may begin one store at the same moment', async () => {
    for (let round = 0; round < 25; round += 1) {
      using sample = openSampleStore();
      const begin = async (name: string, index: number) => {
        for (let turn = 0; turn < index * round; turn += 1) await setImmediate();
        const store = sample.open();
        using _lease = await store.lease();
        await store.blobs.put(digestOf(Buffer.from(name)), Buffer.from(name));
        await store.write((database) => addImage(database, {name, layers: name}));
      };
      await Promise.all(['a', 'b', 'c', 'd', 'e'].map(begin));
      assert.is(sample.store.read(listImages, []).length, 5);
    }
  });

  test('one holder for each digest, and one for each subject', async () => {
    using sample = openSampleStore();
    const [one, other] = [digestFor('one'), digestFor('other')];
    assert.is.not(digestHex(one).slice(0, 2), digestHex(other).slice(0, 2));
    using _blob = await sample.store.lock('blob', one, {});
    using _layer = await sample.store.lock('layer', one, {});
    using _other = await sample.store.lock('blob', other, {});
    let waits = 0;
    const onWait = () => {
      waits += 1;
    };
    const waiting = sample.open().lock('blob', one, {timeoutMs: 1, onWait});
    assert.is((await rejectionOf(waiting)).code, 'LOCK_TIMEOUT');
    assert.is(waits, 1);
  });

  test(
    'a read-only store can be read, and every change is refused by name',
    async () => {
      using source = openSampleStore();
      using disk = makeTemporaryDirectory();
      await source.store.write((database) => addImage(database, {name: 'app', layers: 'a'}));
      source.store.close();
      const prepare = `cp -r ${source.root}/. . && mount -o remount,ro .`;
      const request = {directory: disk.path, options: 'size=1m', prepare};
      const found = runOnDisk(new URL('store-program.ts', import.meta.url), request);
      const refused = 'STORE_READ_ONLY';
      assert.equal(found, {read: 1, write: refused, lease: refused, collectGarbage: refused});
    },
    {skip},
  );
});
