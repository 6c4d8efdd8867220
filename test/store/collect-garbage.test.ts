import {existsSync, mkdirSync, utimesSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import type {Digest} from '../../src/oci/digest.ts';
import {dropBlobs, listDropped} from '../../src/store/dropped-blobs.ts';
import {deleteImage, recordLayerFile} from '../../src/store/image-records.ts';
import {recordIndexParts} from '../../src/store/index-parts.ts';
import {deleteTag, setTag} from '../../src/store/tags.ts';
import {describe} from '../helpers/suite.ts';
import {addImage, digestFor, imageRecordFor, layerFileFor, layerRecordsFor, type SampleImage} from './sample-graph.ts';
import {openSampleStore, type SampleStore} from './sample-store.ts';

describe('store/collect-garbage', ({test}) => {
  const collect = async ({store}: SampleStore) => (await store.collectGarbage()).freedBytes;
  const put = (path: string, bytes: number) => {
    mkdirSync(dirname(path), {recursive: true});
    writeFileSync(path, Buffer.alloc(bytes));
  };
  const putBlob = ({store}: SampleStore, digest: Digest, bytes: number) => put(store.paths.blob(digest), bytes);
  /** Stores an image as a pull does: files, then the graph, then a tag that names an index. */
  const pull = async (sample: SampleStore, image: SampleImage, reference = image.name) => {
    const {manifestDigest, configDigest} = imageRecordFor(image);
    const indexDigest = digestFor(`${image.name}.index`);
    for (const digest of [manifestDigest, configDigest, indexDigest]) putBlob(sample, digest, 1);
    for (const {blobDigest, diffId} of layerRecordsFor(image)) {
      putBlob(sample, blobDigest, 10);
      put(sample.store.paths.layer(diffId), 100);
    }
    await sample.store.write((database) => {
      addImage(database, image);
      setTag(database, {reference, targetDigest: indexDigest, manifestDigest}, 1);
    });
  };
  const remove = (sample: SampleStore, name: string) =>
    sample.store.write((database) => {
      deleteTag(database, name, 2);
      deleteImage(database, digestFor(name));
    });
  const hasBlob = ({store}: SampleStore, name: string) => existsSync(store.paths.blob(digestFor(name)));
  const hasLayer = ({store}: SampleStore, letter: string) => existsSync(store.paths.layer(digestFor(letter)));
  const countRows = ({store}: SampleStore, table: string) =>
    store.read((database) => database.get(`SELECT count(*) AS rows FROM ${table}`)?.rows, null);

  test('a new store has none', async () => {
    using sample = openSampleStore();
    assert.is(await collect(sample), 0);
    assert.is(await collect(sample), 0);
  });

  test('keeps everything that an image needs, its index included', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'app', layers: 'aba'});
    assert.is(await collect(sample), 0);
    for (const name of ['app', 'app.config', 'app.index', 'a.gz', 'b.gz']) assert.ok(hasBlob(sample, name), name);
    for (const letter of 'ab') assert.ok(hasLayer(sample, letter));
  });

  test('an extracted layer goes with its file, and counts like it', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'app', layers: 'ab'});
    put(join(sample.store.paths.layerTree(digestFor('a')), 'tree', 'file'), 90);
    await remove(sample, 'app');
    // Two layer files, one of them with a tree; two blobs, manifest, config and index.
    const expected = 3 * 100 + 2 * 10 + 3;
    assert.is((await sample.store.collectGarbage({isDryRun: true})).freedBytes, expected);
    assert.is(await collect(sample), expected);
    assert.not(existsSync(dirname(sample.store.paths.layer(digestFor('a')))));
  });

  test('a blob that was dropped goes with its file, and its mark with the last image', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'app', layers: 'ab'});
    const dropped = {digest: digestFor('a.gz'), size: 10};
    await sample.store.write((database) => dropBlobs(database, [dropped], 1));
    assert.is((await sample.store.collectGarbage({isDryRun: true})).freedBytes, 10);
    assert.ok(hasBlob(sample, 'a.gz'));
    assert.is(await collect(sample), 10);
    assert.equal([hasBlob(sample, 'a.gz'), hasBlob(sample, 'b.gz'), hasLayer(sample, 'a')], [false, true, true]);
    assert.equal(sample.store.read(listDropped, null), [dropped]);
    await remove(sample, 'app');
    await sample.store.collectGarbage();
    assert.equal(sample.store.read(listDropped, null), []);
  });

  test('frees what only a removed image needed, down to the rows', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'base', layers: 'a'});
    await pull(sample, {name: 'leaf', layers: 'abc'});
    await remove(sample, 'leaf');
    assert.is(await collect(sample), 3 + 2 * 10 + 2 * 100);
    for (const name of ['base', 'base.config', 'base.index', 'a.gz']) assert.ok(hasBlob(sample, name), name);
    for (const name of ['leaf', 'leaf.config', 'leaf.index', 'b.gz', 'c.gz'])
      assert.not.ok(hasBlob(sample, name), name);
    assert.equal(
      ['a', 'b', 'c'].map((letter) => hasLayer(sample, letter)),
      [true, false, false],
    );
    assert.equal(
      ['chain', 'layer', 'image_layer', 'image'].map((table) => countRows(sample, table)),
      [1, 1, 1, 1],
    );
    assert.not.ok(existsSync(sample.store.paths.trash));
  });

  test('keeps the chain in the middle of which a removed image ended', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'base', layers: 'a'});
    await pull(sample, {name: 'leaf', layers: 'abc'});
    await remove(sample, 'base');
    assert.is(await collect(sample), 3);
    assert.is(countRows(sample, 'chain'), 3);
    assert.ok(hasLayer(sample, 'a'));
    await remove(sample, 'leaf');
    await sample.store.collectGarbage();
    assert.is(countRows(sample, 'chain'), 0);
  });

  test('keeps a config and a layer that another image shares', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'one', layers: 'a', config: 'c'});
    await pull(sample, {name: 'two', layers: 'a', config: 'c'});
    await remove(sample, 'one');
    assert.is(await collect(sample), 2);
    assert.ok(hasBlob(sample, 'c'));
    assert.ok(hasLayer(sample, 'a'));
  });

  test('keeps a layer that is needed below another parent', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'one', layers: 'ax'});
    await pull(sample, {name: 'two', layers: 'bx'});
    await remove(sample, 'one');
    await sample.store.collectGarbage();
    assert.equal(
      ['a', 'b', 'x'].map((letter) => hasLayer(sample, letter)),
      [false, true, true],
    );
  });

  test('keeps an image whose tag has moved on, but not the index that it came from', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'old', layers: 'a'}, 'r');
    await pull(sample, {name: 'new', layers: 'b'}, 'r');
    assert.is(await collect(sample), 1);
    assert.ok(hasBlob(sample, 'old'));
    assert.ok(hasLayer(sample, 'a'));
    assert.not.ok(hasBlob(sample, 'old.index'));
  });

  test('keeps nested indexes and blobs of an index while a tag names it', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'app', layers: 'a'}, 'r');
    for (const name of ['nested', 'attestation']) putBlob(sample, digestFor(name), 1);
    await sample.store.write((database) =>
      recordIndexParts(database, digestFor('app.index'), [
        {digest: digestFor('app'), kind: 'image'},
        {digest: digestFor('nested'), kind: 'index'},
        {digest: digestFor('attestation'), kind: 'blob'},
      ]),
    );
    assert.is(await collect(sample), 0);
    for (const name of ['nested', 'attestation', 'app']) assert.ok(hasBlob(sample, name), name);
    await pull(sample, {name: 'new', layers: 'b'}, 'r');
    assert.is(await collect(sample), 3);
    for (const name of ['nested', 'attestation', 'app.index']) assert.not.ok(hasBlob(sample, name), name);
    assert.is(countRows(sample, 'index_part'), 0);
    assert.ok(hasBlob(sample, 'app'));
  });

  test('removes what killed processes left anywhere', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'app', layers: 'a'});
    const {paths} = sample.store;
    const leftovers = [
      join(paths.ingest, 'layer-sha256-0'),
      `${paths.blob(digestFor('app'))}.0123.tmp`,
      paths.blob(digestFor('unrecorded')),
      paths.layer(digestFor('unrecorded')),
      join(paths.blobs, 'md5/d41d8cd98f00b204e9800998ecf8427e'),
      join(paths.trash, 'left'),
    ];
    for (const path of leftovers) put(path, 7);
    mkdirSync(dirname(paths.layer(digestFor('empty'))), {recursive: true});
    assert.ok((await collect(sample)) >= 5 * 7);
    for (const path of leftovers) assert.not.ok(existsSync(path), path);
    assert.not.ok(existsSync(dirname(paths.layer(digestFor('empty')))));
    assert.ok(hasLayer(sample, 'a'));
  });

  test('keeps unfinished downloads for seven days after their last byte', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'app', layers: 'a'});
    const [young, old, empty] = ['young', 'old', 'empty'].map((name) =>
      sample.store.paths.partialBlob(digestFor(name)),
    );
    for (const [path, bytes, days] of [
      [young, 7, 6.9],
      [old, 11, 7.1],
      [empty, 0, 0],
    ] as const) {
      put(path ?? '', bytes);
      const seconds = Date.now() / 1000 - days * 24 * 60 * 60;
      utimesSync(path ?? '', seconds, seconds);
    }
    assert.is(await collect(sample), 11);
    assert.equal(
      [young, old, empty].map((path) => existsSync(path ?? '')),
      [true, false, false],
    );
  });

  test('a crash after the rows were deleted leaves files that the next run removes', async () => {
    using sample = openSampleStore();
    await pull(sample, {name: 'app', layers: 'a'});
    await remove(sample, 'app');
    await sample.store.write((database) => {
      database.run('DELETE FROM layer');
      database.run('DELETE FROM chain');
    });
    assert.ok(hasLayer(sample, 'a'));
    assert.is(await collect(sample), 3 + 10 + 100);
    assert.not.ok(hasLayer(sample, 'a'));
    assert.not.ok(hasBlob(sample, 'a.gz'));
  });

  test('a layer that a failed pull recorded goes, row and file together', async () => {
    using sample = openSampleStore();
    put(sample.store.paths.layer(digestFor('a')), 100);
    await sample.store.write((database) => recordLayerFile(database, layerFileFor('a')));
    assert.is(await collect(sample), 100);
    assert.is(countRows(sample, 'layer'), 0);
    assert.not.ok(hasLayer(sample, 'a'));
  });

  test('a long chain goes as a whole', async () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    using sample = openSampleStore();
    await sample.store.write((database) => addImage(database, {name: 'long', layers: letters}));
    await sample.store.write((database) => deleteImage(database, digestFor('long')));
    await sample.store.collectGarbage();
    assert.is(countRows(sample, 'chain'), 0);
  });
});
