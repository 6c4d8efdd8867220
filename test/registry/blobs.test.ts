import * as assert from 'node:assert/strict';
import {setTimeout as sleep} from 'node:timers/promises';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, layerOf, readAll, withRegistry} from './with-registry.ts';

const BYTES = IMAGE.layers[0]?.bytes ?? Buffer.alloc(0);
const HALF = Math.floor(BYTES.length / 2);

describe('registry/blobs', ({test}) => {
  test('streams a blob to its last byte', () =>
    withRegistry({}, async ({client, name, layer}) => {
      assert.deepEqual(await readAll(await client.openBlob(name, layer)), BYTES);
    }));

  test('streams a blob of unannounced length', () =>
    withRegistry({faults: [{on: 'blob', headers: {'content-length': null}}]}, async ({client, name, layer}) => {
      assert.deepEqual(await readAll(await client.openBlob(name, layer)), BYTES);
    }));

  test('streams an empty blob', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      registry.putBlob(name.repository, Buffer.alloc(0), layer.digest);
      assert.equal((await readAll(await client.openBlob(name, {...layer, size: 0}))).length, 0);
    }));

  test('continues from an offset', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      assert.deepEqual(await readAll(await client.openBlob(name, layer, {offset: HALF})), BYTES.subarray(HALF));
      assert.equal(registry.requests.at(-1)?.headers.range, `bytes=${HALF}-`);
    }));

  test('asks for nothing when nothing is left', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      assert.equal((await readAll(await client.openBlob(name, layer, {offset: layer.size}))).length, 0);
      assert.equal(registry.requests.length, 0);
    }));

  test('takes a range whose total is not known', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      registry.setFaults([{on: 'blob', headers: {'content-range': `bytes ${HALF}-${BYTES.length - 1}/*`}}]);
      assert.deepEqual(await readAll(await client.openBlob(name, layer, {offset: HALF})), BYTES.subarray(HALF));
    }));

  test('refuses an announced length that is not the size, before reading', () =>
    withRegistry({}, async ({client, name, layer}) => {
      for (const size of [BYTES.length - 1, BYTES.length + 1, 0]) {
        const error = await failureOf(client.openBlob(name, {...layer, size}));
        assert.equal(error.code, 'SIZE_MISMATCH');
        assert.equal(error.kind, 'refused');
        assert.match(error.message, new RegExp(`${size} bytes expected, the registry sends ${BYTES.length}`));
      }
    }));

  test('stops at the first byte too many, and names bytes that are missing', () =>
    withRegistry({faults: [{on: 'blob', headers: {'content-length': null}}]}, async ({client, name, layer}) => {
      const long = await failureOf(readAll(await client.openBlob(name, {...layer, size: 100})));
      assert.equal(long.code, 'SIZE_MISMATCH');
      const short = await failureOf(readAll(await client.openBlob(name, {...layer, size: BYTES.length + 5})));
      assert.equal(short.code, 'SIZE_MISMATCH');
      assert.match(short.message, new RegExp(`the registry sent ${BYTES.length}$`));
    }));

  test('says that a blob was cut short, never that it ended', () =>
    withRegistry({faults: [{on: 'blob', truncateAt: 100, noRange: true}]}, async ({client, name, layer}) => {
      const error = await failureOf(readAll(await client.openBlob(name, layer)));
      assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
      assert.equal(error.kind, 'unavailable');
    }));

  test('says that a blob is missing', () =>
    withRegistry({}, async ({client, name}) => {
      const absent = {...layerOf(IMAGE), digest: `sha256:${'0'.repeat(64)}`} as const;
      const error = await failureOf(client.openBlob(name, absent));
      assert.equal(error.code, 'BLOB_UNKNOWN');
      assert.equal(error.kind, 'not-found');
    }));

  test('does not check the digest: whoever keeps the bytes does', () =>
    withRegistry({faults: [{on: 'blob', flipByteAt: 5}]}, async ({client, name, layer}) => {
      assert.notDeepEqual(await readAll(await client.openBlob(name, layer)), BYTES);
    }));

  test('ends the download when the reader leaves early or closes', () =>
    withRegistry({faults: [{on: 'blob', slow: {bytes: 1000, pauseMs: 2}}]}, async ({client, name, registry, layer}) => {
      for await (const _ of await client.openBlob(name, layer)) break;
      (await client.openBlob(name, layer)).close();
      const downloads = registry.requests.filter((request) => request.class === 'blob');
      while (downloads.some(({bytes}) => bytes === 0)) await sleep(5);
      assert.deepEqual(
        downloads.map(({bytes}) => bytes < BYTES.length / 2),
        [true, true],
      );
    }));
});
