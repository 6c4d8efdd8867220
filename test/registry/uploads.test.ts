import * as assert from 'node:assert/strict';
import type {RegistryServer} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {describe} from '../helpers/suite.ts';
import {makeBlob, makeBytes} from './upload-source.ts';
import {failureOf, readAll, withRegistry} from './with-registry.ts';

const MIB = 1024 * 1024;
const SMALL = makeBlob(makeBytes(300_001));
/** Three pieces. */
const LARGE_BYTES = makeBytes(40 * MIB + 7);

const uploadsOf = ({requests}: RegistryServer) => requests.filter((request) => request.class === 'upload');
const methodsOf = (registry: RegistryServer) => uploadsOf(registry).map(({method}) => method);
const receivedBytes = (registry: RegistryServer) =>
  uploadsOf(registry).reduce((sum, request) => sum + request.receivedBytes, 0);

describe('registry/uploads', ({test}) => {
  test('sends a small blob with one request and tells of it', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const events: WinchEvent[] = [];
      const outcome = await client.uploadBlob(name, SMALL, {onEvent: (event) => events.push(event)});
      assert.deepEqual(outcome, {outcome: 'uploaded', sentBytes: SMALL.size});
      assert.deepEqual(methodsOf(registry), ['POST', 'PUT']);
      const stored = await client.openBlob(name, {...SMALL, mediaType: 'a/b'});
      assert.ok((await readAll(stored)).equals(SMALL.bytes));
      assert.deepEqual(events[0], {type: 'upload:started', digest: SMALL.digest, totalBytes: SMALL.size});
      assert.deepEqual(
        events.filter(({type}) => type === 'upload:sent').map((event) => 'sentBytes' in event && event.sentBytes),
        [300_001].flatMap((last) => [3 * 100_003, last].slice(1)),
      );
      const last = {type: 'upload:finished', digest: SMALL.digest, size: SMALL.size, outcome: 'uploaded'} as const;
      assert.deepEqual(events.at(-1), last);
    }));

  test('sends nothing when the blob is there', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      const source = {
        open: () => {
          throw new Error('opened');
        },
      };
      const outcome = await client.uploadBlob(name, {...layer, source});
      assert.deepEqual(outcome, {outcome: 'present', sentBytes: 0});
      assert.deepEqual(methodsOf(registry), []);
    }));

  test('sends an empty blob', () =>
    withRegistry({}, async ({client, name}) => {
      const blob = makeBlob(Buffer.alloc(0));
      assert.equal((await client.uploadBlob(name, blob)).outcome, 'uploaded');
      assert.deepEqual(await client.headBlob(name, blob.digest), {size: 0});
    }));

  test('sends a large blob in pieces, from a source that is opened once', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const blob = makeBlob(LARGE_BYTES);
      const outcome = await client.uploadBlob(name, blob);
      assert.deepEqual(outcome, {outcome: 'uploaded', sentBytes: blob.size});
      assert.deepEqual(methodsOf(registry), ['POST', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
      assert.deepEqual(
        uploadsOf(registry).map((request) => request.headers['content-range']),
        [undefined, '0-16777215', '16777216-33554431', `33554432-${blob.size - 1}`, undefined],
      );
      assert.deepEqual(blob.opened, [0]);
      assert.deepEqual(await client.headBlob(name, blob.digest), {size: blob.size});
    }));

  test('sends pieces that are as long as the registry asks', () =>
    withRegistry({minimumChunkBytes: 20 * MIB}, async ({client, name, registry}) => {
      const blob = makeBlob(LARGE_BYTES);
      assert.equal((await client.uploadBlob(name, blob)).sentBytes, blob.size);
      assert.deepEqual(methodsOf(registry), ['POST', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
    }));

  test('mounts a blob of another repository without sending a byte', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      const source = makeBlob(Buffer.alloc(layer.size)).source;
      const other = {...name, repository: 'other/app'};
      const outcome = await client.uploadBlob(other, {...layer, source}, {mountFrom: name.repository});
      assert.deepEqual(outcome, {outcome: 'mounted', sentBytes: 0});
      assert.equal(receivedBytes(registry), 0);
      assert.deepEqual(await client.headBlob(other, layer.digest), {size: layer.size});
    }));

  test('goes on with the upload that the registry begins in place of a mount', () =>
    withRegistry({mounts: false}, async ({client, name, registry}) => {
      const outcome = await client.uploadBlob(name, SMALL, {mountFrom: 'other/app'});
      assert.equal(outcome.outcome, 'uploaded');
      assert.deepEqual(methodsOf(registry), ['POST', 'PUT']);
    }));

  test('uploads where a mount is refused', () =>
    withRegistry({}, async ({client, name, registry}) => {
      for (const status of [404, 400, 403, 500]) {
        registry.setFaults([{on: 'upload', matching: 'mount=', status, body: '{}'}]);
        const blob = makeBlob(Buffer.from(`blob ${status}`));
        assert.equal((await client.uploadBlob(name, blob, {mountFrom: 'other/app'})).outcome, 'uploaded');
      }
    }));

  test('resumes a piece that was cut where the registry says, and sends no byte twice but those that were lost', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const blob = makeBlob(LARGE_BYTES);
      const kept = 5 * MIB + 3;
      registry.setFaults([{on: 'upload', method: 'PATCH', times: 1, cutRequestAt: kept}]);
      const events: WinchEvent[] = [];
      const outcome = await client.uploadBlob(name, blob, {onEvent: (event) => events.push(event)});
      assert.equal(outcome.outcome, 'uploaded');
      assert.equal(receivedBytes(registry), blob.size);
      assert.ok(outcome.sentBytes - blob.size <= 16 * MIB, `${outcome.sentBytes}`);
      assert.deepEqual(methodsOf(registry).slice(0, 4), ['POST', 'PATCH', 'GET', 'PATCH']);
      assert.ok(uploadsOf(registry)[3]?.headers['content-range']?.startsWith(`${kept}-`));
      assert.equal(events.filter(({type}) => type === 'request:retrying').length, 1);
      assert.deepEqual(await client.headBlob(name, blob.digest), {size: blob.size});
    }));

  test('resumes as long as something advances', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const blob = makeBlob(LARGE_BYTES);
      registry.setFaults([{on: 'upload', method: 'PATCH', times: 6, cutRequestAt: 500_000}]);
      assert.equal((await client.uploadBlob(name, blob)).outcome, 'uploaded');
      assert.equal(receivedBytes(registry), blob.size);
    }));

  test('goes on after an answer that was lost, a server error and a piece at the wrong place', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.setFaults([
        {on: 'upload', method: 'PATCH', times: 1, resetAfter: true},
        {on: 'upload', method: 'PATCH', times: 1, status: 503},
        {on: 'upload', method: 'PUT', times: 1, status: 500},
      ]);
      const blob = makeBlob(LARGE_BYTES);
      assert.equal((await client.uploadBlob(name, blob)).outcome, 'uploaded');
      assert.equal(receivedBytes(registry), blob.size);
      assert.deepEqual(await client.headBlob(name, blob.digest), {size: blob.size});
    }));

  test('takes a blob that arrived though the last answer was lost for uploaded', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.setFaults([{on: 'upload', method: 'PUT', resetAfter: true}]);
      const outcome = await client.uploadBlob(name, SMALL);
      assert.deepEqual(outcome, {outcome: 'uploaded', sentBytes: SMALL.size});
    }));

  test('waits long for a registry that reads the blob again before it answers', () =>
    withRegistry({clientOptions: {timeouts: {responseMs: 300}}}, async ({client, name, registry}) => {
      registry.setFaults([{on: 'upload', method: 'PUT', delayMs: 1000}]);
      const types: string[] = [];
      await client.uploadBlob(name, SMALL, {onEvent: ({type}) => types.push(type)});
      assert.deepEqual(new Set(types), new Set(['upload:started', 'upload:sent', 'upload:finished']));
    }));

  test('begins again when the registry forgets the upload', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const blob = makeBlob(LARGE_BYTES);
      const forget = (event: WinchEvent) => {
        if (event.type === 'upload:sent' && event.sentBytes > 20 * MIB) registry.forgetUploads();
        if (event.type === 'request:retrying') isForgetting = false;
      };
      let isForgetting = true;
      const outcome = await client.uploadBlob(name, blob, {onEvent: (event) => isForgetting && forget(event)});
      assert.equal(outcome.outcome, 'uploaded');
      assert.equal(methodsOf(registry).filter((method) => method === 'POST').length, 2);
    }));

  test('gives up after four failures without progress, and cancels', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.setFaults([{on: 'upload', method: 'PATCH', cutRequestAt: 1}]);
      const error = await failureOf(client.uploadBlob(name, makeBlob(LARGE_BYTES)));
      assert.equal(error.code, 'UPLOAD_FAILED');
      assert.equal(methodsOf(registry).filter((method) => method === 'PATCH').length, 4);
      assert.deepEqual(registry.runningUploads(), []);
    }));

  test('begins again where the registry does not say what it has, and gives up in the end', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.setFaults([
        {on: 'upload', method: 'PATCH', cutRequestAt: 500_000},
        {on: 'upload', method: 'GET', headers: {range: null}},
      ]);
      const error = await failureOf(client.uploadBlob(name, makeBlob(LARGE_BYTES)));
      assert.equal(error.code, 'UPLOAD_FAILED');
      assert.equal(methodsOf(registry).filter((method) => method === 'POST').length, 2);
      assert.deepEqual(registry.runningUploads(), []);
    }));
});
