import * as assert from 'node:assert/strict';
import type {Fault, RequestClass} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {createHostPauses, type HostPauses} from '../../src/registry/host-pauses.ts';
import {withRetries} from '../../src/registry/retries.ts';
import type {RetryPolicy} from '../../src/registry/retry-budget.ts';
import {openTransport} from '../../src/registry/transport.ts';
import {describe} from '../helpers/suite.ts';
import {type Fixture, failureOf, IMAGE, openTestClient, QUICK_RETRIES, readAll, withRegistry} from './with-registry.ts';

/** Repeats at once, and for as long as a busy machine may take. */
const PATIENCE = {firstDelayMs: 1, longestDelayMs: 20, budgetMs: 10_000, longestPauseMs: 300};

interface Options {
  readonly policy?: Partial<RetryPolicy>;
  readonly pauses?: HostPauses;
  readonly responseMs?: number;
}

describe('registry/retries', ({test}) => {
  const get = ({client, name}: Fixture, events: WinchEvent[] = []) =>
    client.getManifest(name, '1.0', {onEvent: (event) => events.push(event)});

  for (const {title, asked} of [
    {title: '1 s', asked: () => '1'},
    {title: 'a date', asked: () => dateIn(2300)},
  ]) {
    test(`R08 a pause of ${title} is waited for, and told once`, () =>
      withFaults(
        [{on: 'manifest', times: 1, ...tooMany(asked())}],
        {policy: {...PATIENCE, longestPauseMs: 60_000}},
        async (fixture) => {
          const events: WinchEvent[] = [];
          const start = performance.now();
          await get(fixture, events);
          const waitedMs = performance.now() - start;
          assert.ok(waitedMs >= 990, `${waitedMs} ms`);
          assert.deepEqual(
            events.map(({type}) => type),
            ['host:paused'],
          );
          assert.equal(fixture.registry.requests.length, 2);
        },
      ));
  }

  for (const asked of ['-1', 'soon', '1e9', '0', 'Thu, 01 Jan 1970 00:00:00 GMT', null]) {
    test(`R08 a pause of ${asked} is none that can be kept: the usual delays stand in`, () =>
      withFaults([{on: 'manifest', times: 3, ...tooMany(asked)}], {}, async (fixture) => {
        const start = performance.now();
        assert.deepEqual((await get(fixture)).bytes, IMAGE.manifest.bytes);
        assert.ok(performance.now() - start < 5000);
        assert.equal(fixture.registry.requests.length, 4);
      }));
  }

  for (const asked of ['1000000000', dateIn(1e9)]) {
    test(`R08 a pause of ${asked} is cut to the longest that is granted`, () =>
      withFaults([{on: 'manifest', times: 1, ...tooMany(asked)}], {}, async (fixture) => {
        const events: WinchEvent[] = [];
        await get(fixture, events);
        assert.deepEqual(
          events.map((event) => event.type === 'host:paused' && event.delayMs),
          [PATIENCE.longestPauseMs],
        );
      }));
  }

  test('R08 a host that never stops asking for pauses is given up, and how long it was tried is told', () =>
    withFaults(
      [{on: 'manifest', ...tooMany('1')}],
      {policy: {...PATIENCE, longestPauseMs: 50, budgetMs: 120}},
      async (fixture) => {
        const error = await failureOf(get(fixture));
        assert.deepEqual([error.code, error.kind], ['RATE_LIMITED', 'unavailable']);
        assert.match(error.message, /limits how often it may be asked.*; retried \d times over \d+\.\d s$/);
      },
    ));

  test('R08 nobody who shares a pause asks the host before it is over', () => {
    const pauses = createHostPauses();
    const policy = {...PATIENCE, longestPauseMs: 1000};
    return withFaults([{on: 'manifest', every: 3, times: 1, ...tooMany('1')}], {pauses, policy}, async (fixture) => {
      const {client, name, registry} = fixture;
      await using other = openTestClient({retryPolicy: policy, pauses});
      const ask = async (asking: typeof client) => {
        for (let round = 0; round < 3; round += 1) await asking.getManifest(name, '1.0');
      };
      await Promise.all([ask(client), ask(client), ask(other), ask(other)]);
      const refusal = registry.requests.find(({status}) => status === 429);
      const sinceRefusal = registry.requests.map(({at}) => at - (refusal?.at ?? 0));
      // What was on its way cannot be called back.
      assert.deepEqual(
        sinceRefusal.filter((milliseconds) => milliseconds > 300 && milliseconds < 990),
        [],
      );
      assert.ok(Math.max(...sinceRefusal) > 990);
    });
  });

  test('R08 503 with Retry-After is a pause, without it a failure like others', () =>
    withFaults(
      [
        {on: 'manifest', times: 1, status: 503, body: '', headers: {'retry-after': '1'}},
        {on: 'manifest', times: 1, status: 503, body: ''},
      ],
      {},
      async (fixture) => {
        const events: WinchEvent[] = [];
        await get(fixture, events);
        assert.deepEqual(
          events.map(({type}) => type),
          ['host:paused', 'request:retrying'],
        );
      },
    ));

  test('R08 who has another place to ask does not wait for a paused host, nor for a broken one', () =>
    withRegistry({faults: [{on: 'ping', status: 500}]}, async ({registry}) => {
      const transport = openTransport({userAgent: 'winch/test'});
      const request = {url: new URL('/v2/', registry.origin), mayRepeat: false};
      const paused = withRetries(transport, {pauses: pausedForever()});
      assert.equal((await failureOf(paused.send(request))).code, 'RATE_LIMITED');
      assert.equal(registry.requests.length, 0);
      const {status, discard} = await withRetries(transport, {pauses: createHostPauses()}).send(request);
      await discard();
      assert.deepEqual([status, registry.requests.length], [500, 1]);
      paused.close();
    }));

  for (const status of [408, 500, 502, 503, 504]) {
    test(`R09 status ${status} is asked again, with growing delays`, () =>
      withFaults([{on: 'manifest', times: 3, status, body: ''}], {}, async (fixture) => {
        const events: WinchEvent[] = [];
        await get(fixture, events);
        const retries = events.flatMap((event) => (event.type === 'request:retrying' ? [event] : []));
        assert.deepEqual(
          retries.map(({attempt, reason}) => [attempt, reason]),
          [1, 2, 3].map((attempt) => [attempt, `it answers ${status}`]),
        );
        const delays = retries.map(({delayMs}) => delayMs);
        for (const [index, delayMs] of delays.entries()) {
          assert.ok(delayMs >= 0.9 * 2 ** index && delayMs <= 1.1 * 2 ** index, String(delays));
        }
      }));
  }

  for (const status of [400, 403, 404, 451]) {
    test(`R09 status ${status} is an answer, with the registry's own words`, () => {
      const body = JSON.stringify({errors: [{code: 'DENIED', message: 'not for \u001b[31myou'}]});
      return withFaults([{on: 'manifest', status, body}], {}, async (fixture) => {
        const error = await failureOf(get(fixture));
        assert.equal(fixture.registry.requests.length, 1);
        assert.equal(error.message.includes('retried'), false);
      });
    });
  }

  test('R09 an endless 500 is told with the registry’s words and how often it was tried', () => {
    const body = JSON.stringify({errors: [{code: 'UNKNOWN', message: 'the disk is full'}]});
    return withFaults([{on: 'manifest', status: 500, body}], {policy: QUICK_RETRIES}, async (fixture) => {
      const error = await failureOf(get(fixture));
      assert.equal(error.code, 'REGISTRY_ERROR');
      assert.match(error.message, /the disk is full; retried (once|\d times) over \d/);
    });
  });

  for (const on of ['manifest', 'blob', 'tags', 'token'] as const satisfies readonly RequestClass[]) {
    test(`R01, R09 a ${on} request is repeated after a cut body and a failure`, () =>
      withRegistry({challenge: 'bearer', anonymousPull: true}, async ({registry, name, layer}) => {
        await using client = openTestClient({retryPolicy: PATIENCE});
        registry.setFaults([
          {on, times: 1, truncateAt: 10},
          {on, times: 1, status: 502, body: ''},
          {on, times: 1, ...tooMany(null)},
        ]);
        await client.getManifest(name, '1.0');
        await client.listTags(name);
        assert.equal((await readAll(await client.openBlob(name, layer))).length, layer.size);
        const statuses = registry.requests.filter((request) => request.class === on).map(({status}) => status);
        assert.deepEqual([statuses.includes(502), statuses.includes(429)], [true, true]);
        assert.ok([200, 206].includes(statuses.at(-1) ?? 0), String(statuses));
      }));
  }

  test('R10 a head that drips, and a request that is never answered, are cut and tried again', async () => {
    for (const silence of [{slowHead: {pauseMs: 5}}, {hang: true}]) {
      await withFaults([{on: 'manifest', times: 1, ...silence}], {responseMs: 100}, async (fixture) => {
        const events: WinchEvent[] = [];
        await get(fixture, events);
        assert.deepEqual(
          events.map(({type}) => type),
          ['request:retrying'],
        );
      });
    }
  });

  test('R10 a registry that never answers is given up', () =>
    withFaults(
      [{on: 'manifest', hang: true}],
      {responseMs: 60, policy: {...QUICK_RETRIES, budgetMs: 100}},
      async (fixture) => {
        const error = await failureOf(get(fixture));
        assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
        assert.match(error.message, /takes the request but does not answer; retried once/);
      },
    ));

  test('R10 a manifest or token that is cut or stops is asked for again', () =>
    withFaults([{on: 'manifest', times: 2, truncateAt: 20}], {}, async (fixture) => {
      assert.deepEqual((await get(fixture)).bytes, IMAGE.manifest.bytes);
      assert.equal(fixture.registry.requests.length, 3);
    }));

  test('a host that refuses connections is given up at once, unless it has answered before', async () => {
    await withFaults([], {policy: {...PATIENCE, budgetMs: 100}}, async ({client, name, registry}) => {
      await registry.close();
      assert.match((await failureOf(client.getManifest(name, '1.0'))).message, /connection refused; retried/);
    });
    await withRegistry({}, async ({client, name, registry}) => {
      await registry.close();
      assert.match((await failureOf(client.getManifest(name, '1.0'))).message, /connection refused$/);
    });
  });

  test('an abort ends waiting, for a pause and for the next attempt', async () => {
    for (const [fault, pauses] of [
      [{status: 500, body: ''}, createHostPauses()],
      [{}, pausedForever()],
    ] as const) {
      const policy = {...PATIENCE, firstDelayMs: 60_000, longestDelayMs: 60_000, budgetMs: 600_000};
      await withFaults([{on: 'manifest', ...fault}], {policy, pauses}, async ({client, name}) => {
        const controller = new AbortController();
        const reason = new Error('enough');
        setTimeout(() => controller.abort(reason), 50);
        await assert.rejects(client.getManifest(name, '1.0', {signal: controller.signal}), reason);
      });
    }
  });
});

const tooMany = (retryAfter: string | null) => ({
  status: 429,
  body: '',
  headers: {'retry-after': retryAfter},
});

function dateIn(milliseconds: number): string {
  return new Date(Date.now() + milliseconds).toUTCString();
}

const pausedForever = (): HostPauses => ({remaining: () => 60_000, begin: () => false});

/** With a client that knows the registry to answer. */
async function withFaults(
  faults: readonly Fault[],
  {policy = PATIENCE, pauses = createHostPauses(), responseMs = 5000}: Options,
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  await withRegistry({}, async (fixture) => {
    let isReady = false;
    const shared: HostPauses = {
      remaining: (host) => (isReady ? pauses.remaining(host) : 0),
      begin: (host, milliseconds) => pauses.begin(host, milliseconds),
    };
    await using client = openTestClient({retryPolicy: policy, pauses: shared, timeouts: {responseMs}});
    await client.headManifest(fixture.name, '1.0');
    isReady = true;
    (fixture.registry.requests as unknown[]).length = 0;
    fixture.registry.setFaults(faults);
    await body({...fixture, client});
  });
}
