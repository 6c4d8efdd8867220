import * as assert from 'node:assert/strict';
import type {Fault} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, readAll, withRegistry} from './with-registry.ts';

const BYTES = IMAGE.layers[0]?.bytes ?? Buffer.alloc(0);
const [START, END] = [50_000, 150_000];

/** What a registry may answer to `Range` besides what it should. */
const RANGE_FAULTS: Readonly<Record<string, Omit<Fault, 'on'>>> = {
  'the whole blob': {noRange: true},
  'another start': {headers: {'content-range': `bytes 0-${END - 1}/${BYTES.length}`}},
  'another end': {headers: {'content-range': `bytes ${START}-${END}/${BYTES.length}`}},
  'another size': {headers: {'content-range': `bytes ${START}-${END - 1}/${BYTES.length + 1}`}},
  'no Content-Range': {headers: {'content-range': null}},
  'another length': {headers: {'content-length': String(END - START + 7)}},
  'status 416': {status: 416},
};

describe('registry/blob-parts', ({test}) => {
  test('reads exactly what lies between two places, and asks for nothing else', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      const ranges = [
        [START, END],
        [0, 1],
        [0, layer.size],
        [layer.size - 1, layer.size],
      ] as const;
      for (const [offset, end] of ranges) {
        const bytes = await readAll(await client.openBlob(name, layer, {offset, end}));
        assert.ok(bytes.equals(BYTES.subarray(offset, end)), `${offset} to ${end}`);
        assert.equal(registry.requests.at(-1)?.headers.range, `bytes=${offset}-${end - 1}`);
      }
    }));

  test('asks for nothing where nothing lies between, and refuses what is outside', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      for (const place of [0, START, layer.size]) {
        assert.equal((await readAll(await client.openBlob(name, layer, {offset: place, end: place}))).length, 0);
      }
      for (const [offset, end] of [
        [2, 1],
        [0, layer.size + 1],
        [-1, 1],
      ] as const) {
        await assert.rejects(client.openBlob(name, layer, {offset, end}), RangeError);
      }
      assert.equal(registry.requests.length, 0);
    }));

  test('R01 a part that is cut is asked for from there to its end, and no byte twice', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      registry.setFaults([{on: 'blob', times: 1, truncateAt: 60_000}]);
      const bytes = await readAll(await client.openBlob(name, layer, {offset: START, end: END}));
      assert.ok(bytes.equals(BYTES.subarray(START, END)));
      const ranges = registry.requests.filter(({class: of}) => of === 'blob').map(({headers}) => headers.range);
      assert.deepEqual(ranges, [`bytes=${START}-${END - 1}`, `bytes=${START + 60_000}-${END - 1}`]);
    }));

  for (const [title, fault] of Object.entries(RANGE_FAULTS)) {
    test(`R07 a registry that answers a part with ${title} gives none, and is not asked for the whole`, () =>
      withRegistry({faults: [{on: 'blob', ...fault}]}, async ({client, name, registry, layer}) => {
        const error = await failureOf(client.openBlob(name, layer, {offset: START, end: END}));
        assert.deepEqual([error.code, error.kind], ['RANGE_UNSUPPORTED', 'unsupported']);
        assert.equal(registry.requests.filter(({class: of}) => of === 'blob').length, 1);
      }));
  }

  test('says that a blob is missing, or the registry', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      const codeOf = async () => (await failureOf(client.openBlob(name, layer, {offset: START, end: END}))).code;
      registry.setFaults([{on: 'blob', status: 404}]);
      assert.equal(await codeOf(), 'BLOB_UNKNOWN');
      registry.setFaults([{on: 'blob', status: 503}]);
      assert.equal(await codeOf(), 'REGISTRY_ERROR');
    }));
});
