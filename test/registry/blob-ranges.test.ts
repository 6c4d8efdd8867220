import * as assert from 'node:assert/strict';
import type {Fault} from '../../fixtures/registry-server.ts';
import {digestOf} from '../../src/oci/digest.ts';
import type {RangePlan} from '../../src/registry/blob-ranges.ts';
import {describe} from '../helpers/suite.ts';
import {type Fixture, openTestClient, readAll, withRegistry} from './with-registry.ts';

const BYTES = Buffer.from(Array.from({length: 3_000_001}, (_, index) => (index * 7919) >> 5));
const BLOB = {mediaType: 'application/octet-stream', digest: digestOf(BYTES), size: BYTES.length} as const;
const PIECE_BYTES = 200_000;
const PLAN: RangePlan = {
  leastBytes: 1_000_000,
  pieceBytes: PIECE_BYTES,
  atOnce: 4,
  slowAfterMs: 40,
  slowBytesPerSecond: 1_000_000_000,
};
/** Some 1 MB/s for each connection. */
const SLOW = {on: 'blob', slow: {bytes: 16_384, pauseMs: 15}} as const satisfies Fault;
const RETRIES = {firstDelayMs: 1, longestDelayMs: 5, budgetMs: 10_000};

describe('registry/blob-ranges', ({test}) => {
  test('a large blob over a slow connection comes over several, in order and no byte twice, and sooner', () =>
    withBlob([SLOW], PLAN, async (fixture) => {
      const alone = await timed(() => readAlone(fixture));
      fixture.registry.setFaults([SLOW]);
      const before = fixture.registry.requests.length;
      const together = await timed(() => readWhole(fixture));
      assert.ok(together < alone, `${together} ms and ${alone} ms alone`);
      const ranges = fixture.registry.requests.slice(before + 1).map(({headers}) => headers.range);
      assert.ok(ranges.length > 4);
      let end = Number(/\d+/.exec(ranges[0] ?? '')?.[0]);
      for (const range of ranges) {
        const [start, last] = (/(\d+)-(\d+)$/.exec(range ?? '') ?? []).slice(1).map(Number);
        assert.equal(start, end);
        end = Number(last) + 1;
      }
      assert.equal(end, BLOB.size);
    }));

  test('one request brings what is fast, or not so large', async () => {
    await withBlob([SLOW], {...PLAN, leastBytes: BLOB.size + 1}, async (fixture) => {
      await readWhole(fixture);
      assert.equal(fixture.registry.requests.length, 1);
    });
    await withBlob([], {...PLAN, slowAfterMs: 5000}, async (fixture) => {
      await readWhole(fixture);
      assert.equal(fixture.registry.requests.length, 1);
    });
  });

  for (const [title, fault] of Object.entries<Omit<Fault, 'on'>>({
    'no ranges': {noRange: true},
    'other ranges': {headers: {'content-range': `bytes 0-9/${BLOB.size}`}},
    'broken pieces': {truncateAt: 1000, times: 6},
    'pieces that are too short': {body: 'short', times: 1},
    'an error': {status: 404, body: '', times: 1},
  })) {
    test(`a registry with ${title} brings the rest over one connection`, () =>
      withBlob(
        [
          {...SLOW, times: 1},
          {on: 'blob', ...fault},
        ],
        PLAN,
        async (fixture) => {
          await readWhole(fixture);
        },
      ));
  }

  test('leaving, closing and aborting end all connections', () =>
    withBlob([SLOW], PLAN, async ({client, name, registry}) => {
      const hasRanges = (first: number) => registry.requests.length > first + 2;
      const controller = new AbortController();
      for (const end of ['leave', 'close', 'abort']) {
        const first = registry.requests.length;
        const blob = await client.openBlob(name, BLOB, {signal: controller.signal});
        const reading = (async () => {
          for await (const _ of blob) {
            if (!hasRanges(first)) continue;
            if (end === 'leave') break;
            if (end === 'close') blob.close();
            if (end === 'abort') controller.abort(new Error('enough'));
          }
        })();
        if (end === 'leave') await reading;
        else await assert.rejects(reading, end === 'abort' ? /enough/ : /was closed/);
        const asked = registry.requests.length;
        await client.headBlob(name, BLOB.digest);
        assert.equal(registry.requests.length, asked + 1);
      }
    }));
});

const readWhole = async ({client, name}: Fixture): Promise<void> => {
  assert.ok((await readAll(await client.openBlob(name, BLOB))).equals(BYTES));
};

async function readAlone({name}: Fixture): Promise<void> {
  await using client = openTestClient({retryPolicy: RETRIES});
  assert.ok((await readAll(await client.openBlob(name, BLOB))).equals(BYTES));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function withBlob(
  faults: readonly Fault[],
  ranges: RangePlan,
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  return withRegistry({}, async (fixture) => {
    fixture.registry.putBlob(fixture.name.repository, BYTES);
    await using client = openTestClient({retryPolicy: RETRIES, ranges});
    await client.headBlob(fixture.name, BLOB.digest);
    (fixture.registry.requests as unknown[]).length = 0;
    fixture.registry.setFaults(faults);
    await body({...fixture, client});
  });
}
