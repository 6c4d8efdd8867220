import * as assert from 'node:assert/strict';
import {type Fault, startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {digestOf} from '../../src/oci/digest.ts';
import type {RetryPolicy} from '../../src/registry/retry-budget.ts';
import {describe} from '../helpers/suite.ts';
import {type Fixture, failureOf, openTestClient, QUICK_RETRIES, readAll, withRegistry} from './with-registry.ts';

const MIB = 1024 * 1024;
const SEED = 20_260_101;
const BYTES = pseudoRandomBytes(3 * MIB + 12_345);
const BLOB = {mediaType: 'application/octet-stream', digest: digestOf(BYTES), size: BYTES.length} as const;
const [HALF, LAST] = [Math.floor(BYTES.length / 2), BYTES.length - 1];

/** What a registry may answer to `Range` besides what it should. */
const RANGE_FAULTS: Readonly<Record<string, Omit<Fault, 'on'>>> = {
  'the whole blob': {noRange: true},
  'another start': {times: 1, headers: {'content-range': `bytes 0-${LAST}/${BYTES.length}`}},
  'another end': {times: 1, headers: {'content-range': `bytes ${HALF}-${LAST - 1}/${BYTES.length}`}},
  'another size': {times: 1, headers: {'content-range': `bytes ${HALF}-${LAST}/${BYTES.length + 1}`}},
  'no end': {times: 1, headers: {'content-range': `bytes ${HALF}-/${BYTES.length}`}},
  junk: {times: 1, headers: {'content-range': 'junk'}},
  'no Content-Range': {times: 1, headers: {'content-range': null}},
  'another length': {times: 1, headers: {'content-length': String(HALF + 7)}},
  'status 416': {times: 1, status: 416},
};

interface Download {
  readonly bytes: Buffer;
  readonly events: readonly WinchEvent[];
  /** Where each request began. */
  readonly starts: readonly number[];
  readonly sentBytes: number;
}

describe('registry/resume', ({test}) => {
  test('R01 a blob that is cut at any byte is asked for from there on, and no byte twice', async () => {
    const random = createRandom(SEED);
    for (let round = 0; round < 6; round += 1) {
      const at = Math.floor(random() * BYTES.length);
      const {bytes, events, starts, sentBytes} = await download([{on: 'blob', times: 1, truncateAt: at}]);
      assert.ok(bytes.equals(BYTES), `cut at ${at}`);
      assert.deepEqual([starts, sentBytes], [[0, at], BYTES.length], `seed ${SEED}, cut at ${at}`);
      assert.deepEqual(
        events.filter(({type}) => type === 'blob:resumed'),
        [{type: 'blob:resumed', digest: BLOB.digest, offset: at, totalBytes: BLOB.size}],
      );
    }
  });

  test('R02 a connection that is reset after each MiB brings the blob all the same, at once', async () => {
    const {bytes, events, starts} = await download([{on: 'blob', resetAt: MIB + 1, slow: {bytes: 32_768, pauseMs: 2}}]);
    assert.ok(bytes.equals(BYTES));
    assert.equal(starts.length, 4);
    assert.deepEqual(
      events.filter(({type}) => type === 'request:retrying'),
      [],
    );
  });

  test('R02 progress renews what failures have used up', async () => {
    // All pauses together are longer than the budget, those within a MiB are not.
    const policy = {firstDelayMs: 100, longestDelayMs: 100, budgetMs: 1100};
    const {bytes, starts} = await download([{on: 'blob', resetAt: 250_000}], {policy});
    assert.ok(bytes.equals(BYTES));
    assert.ok(starts.length >= 13, `${starts.length} requests`);
  });

  test('R03 a connection that breaks again and again with hardly any progress is given up, and says so', () =>
    withBlob(
      [{on: 'blob', resetAt: 50_000}],
      async ({client, name}) => {
        let received = 0;
        const reading = (async () => {
          for await (const chunk of await client.openBlob(name, BLOB)) received += chunk.length;
        })();
        const error = await failureOf(reading);
        assert.deepEqual([error.code, error.kind], ['REGISTRY_UNAVAILABLE', 'unavailable']);
        assert.match(
          error.message,
          /^127\.0\.0\.1:\d+ ended the connection .*; retried (once|\d+ times) over \d+(\.\d)? s$/,
        );
        assert.ok(received < MIB, `${received} bytes`);
      },
      {policy: QUICK_RETRIES},
    ));

  test('R06 an announced length that is not the size is refused before a byte is read', async () => {
    for (const length of [BYTES.length - 1, BYTES.length + 100]) {
      await withBlob([{on: 'blob', headers: {'content-length': String(length)}}], async ({client, name}) => {
        const error = await failureOf(client.openBlob(name, BLOB));
        assert.deepEqual([error.code, error.kind], ['SIZE_MISMATCH', 'refused'], String(length));
      });
    }
  });

  test('R06 a body that stays shorter than its announced length is given up', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.putBlob(name.repository, BYTES.subarray(0, HALF), BLOB.digest);
      registry.setFaults([
        {on: 'blob', headers: {'content-length': String(BYTES.length)}, truncateAt: HALF, noRange: true},
      ]);
      assert.equal((await failureOf(readAll(await client.openBlob(name, BLOB)))).code, 'REGISTRY_UNAVAILABLE');
    }));

  test('R06 a body of unannounced length that ends early twice in one place is too short', () =>
    withBlob([{on: 'blob', headers: {'content-length': null}, noRange: true}], async ({client, name, registry}) => {
      registry.putBlob(name.repository, BYTES.subarray(0, HALF), BLOB.digest);
      const error = await failureOf(readAll(await client.openBlob(name, BLOB)));
      assert.equal(error.code, 'SIZE_MISMATCH');
      assert.match(error.message, new RegExp(`${BYTES.length} bytes expected, the registry sent ${HALF}$`));
    }));

  test('R06 two lengths, or a length and chunks, are no HTTP', async () => {
    const heads = [
      `content-length: ${BYTES.length}\r\ncontent-length: ${BYTES.length + 1}`,
      `content-length: ${BYTES.length}\r\ntransfer-encoding: chunked`,
    ];
    for (const head of heads) {
      await withBlob([{on: 'blob', raw: `HTTP/1.1 200 OK\r\n${head}\r\n\r\nbytes`}], async ({client, name}) => {
        assert.equal((await failureOf(client.openBlob(name, BLOB))).code, 'PROTOCOL_ERROR', head);
      });
    }
  });

  for (const [title, fault] of Object.entries(RANGE_FAULTS)) {
    test(`R07 a registry that answers a range with ${title} is asked for the whole, and what is known is skipped`, () =>
      withBlob([{on: 'blob', ...fault}], async ({client, name, registry}) => {
        const bytes = await readAll(await client.openBlob(name, BLOB, {offset: HALF}));
        assert.ok(bytes.equals(BYTES.subarray(HALF)));
        assert.equal(registry.requests.at(-1)?.headers.range, fault.noRange ? `bytes=${HALF}-` : undefined);
      }));
  }

  test('R07 a blob that was cut goes on also where ranges are ignored', async () => {
    const cut = {on: 'blob', times: 1, truncateAt: HALF} as const;
    const {bytes} = await download([cut, {on: 'blob', noRange: true}]);
    assert.ok(bytes.equals(BYTES));
  });

  test('R10 a body that drips below the least throughput is cut, gone on with and given up', () =>
    withBlob(
      [{on: 'blob', slow: {bytes: 10, pauseMs: 5}}],
      async ({client, name, registry}) => {
        const error = await failureOf(readAll(await client.openBlob(name, BLOB)));
        assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
        assert.match(error.message, /stopped sending data .* retried/);
        const starts = registry.requests.map(startOf);
        assert.ok(starts.length >= 2 && (starts.at(-1) ?? 0) > 0, String(starts));
      },
      {timeouts: {stallMs: 100}, policy: {...QUICK_RETRIES, budgetMs: 500}},
    ));

  test('R10 a body that stops is gone on with', async () => {
    const stop = {on: 'blob', times: 1, slow: {bytes: HALF, pauseMs: 2000}} as const;
    const {bytes, starts} = await download([stop], {timeouts: {stallMs: 100}});
    assert.ok(bytes.equals(BYTES));
    assert.deepEqual(starts, [0, HALF]);
  });

  test('R14 an encoded blob is refused', () =>
    withBlob([{on: 'blob', headers: {'content-encoding': 'gzip'}}], async ({client, name}) => {
      assert.equal((await failureOf(client.openBlob(name, BLOB))).code, 'PROTOCOL_ERROR');
    }));

  for (const status of [400, 403, 404]) {
    test(`a redirect that has expired (${status}) is asked for anew at the registry`, async () => {
      await using storage = await startRegistry();
      storage.putBlob('team/app', BYTES, BLOB.digest);
      storage.setFaults([
        {on: 'blob', times: 1, truncateAt: HALF},
        {on: 'blob', times: 1, status},
      ]);
      await withBlob([{on: 'blob', redirectTo: storage.origin}], async ({client, name, registry}) => {
        assert.ok((await readAll(await client.openBlob(name, BLOB))).equals(BYTES));
        assert.deepEqual([registry.requests.length, storage.requests.length], [3, 3]);
      });
    });
  }

  test('leaving a download, closing it and aborting it ask for nothing more', () =>
    withBlob([{on: 'blob', slow: {bytes: 100_000, pauseMs: 20}}], async ({client, name, registry}) => {
      for await (const _ of await client.openBlob(name, BLOB)) break;
      const closed = await client.openBlob(name, BLOB);
      setTimeout(() => closed.close(), 30);
      assert.equal((await failureOf(readAll(closed))).code, 'REGISTRY_UNAVAILABLE');
      const controller = new AbortController();
      const reason = new Error('enough');
      const aborted = await client.openBlob(name, BLOB, {signal: controller.signal});
      setTimeout(() => controller.abort(reason), 30);
      await assert.rejects(readAll(aborted), reason);
      assert.equal(registry.requests.length, 3);
    }));
});

/** Repeats at once, and for as long as a busy machine may take. */
const PATIENCE = {firstDelayMs: 1, longestDelayMs: 5, budgetMs: 10_000};

interface BlobOptions {
  readonly policy?: Partial<RetryPolicy>;
  readonly timeouts?: {readonly stallMs: number};
}

async function withBlob(
  faults: readonly Fault[],
  body: (fixture: Fixture) => Promise<void>,
  {policy = PATIENCE, timeouts = {stallMs: 5000}}: BlobOptions = {},
): Promise<void> {
  await withRegistry({}, async (fixture) => {
    fixture.registry.putBlob(fixture.name.repository, BYTES);
    await using client = openTestClient({retryPolicy: policy, timeouts});
    await client.headBlob(fixture.name, BLOB.digest);
    (fixture.registry.requests as unknown[]).length = 0;
    fixture.registry.setFaults(faults);
    await body({...fixture, client});
  });
}

async function download(faults: readonly Fault[], options: BlobOptions = {}): Promise<Download> {
  const events: WinchEvent[] = [];
  let result: Download | undefined;
  await withBlob(
    faults,
    async ({client, name, registry}) => {
      const onEvent = (event: WinchEvent) => void events.push(event);
      const bytes = await readAll(await client.openBlob(name, BLOB, {onEvent}));
      const sentBytes = registry.requests.reduce((sum, request) => sum + request.bytes, 0);
      result = {bytes, events, starts: registry.requests.map(startOf), sentBytes};
    },
    options,
  );
  if (!result) throw new Error('nothing was downloaded');
  return result;
}

const startOf = ({headers}: {readonly headers: {readonly range?: string | undefined}}): number =>
  Number(/\d+/.exec(headers.range ?? '0')?.[0]);

/** xorshift32: the same numbers in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function pseudoRandomBytes(length: number): Buffer {
  const random = createRandom(SEED);
  return Buffer.from(Array.from({length}, () => random() * 256));
}
