import * as assert from 'node:assert/strict';
import {buildCertificate} from '../../fixtures/build-certificate.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {withTrace} from '../../src/registry/trace-transport.ts';
import {openTransport} from '../../src/registry/transport.ts';
import type {Span} from '../../src/trace.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, openTestClient, readAll, withRegistry} from './with-registry.ts';

/** Calls through a traced client, and every span of it. */
async function withSpans(
  options: Parameters<typeof withRegistry>[0],
  body: (parts: {
    readonly client: ReturnType<typeof openTestClient>;
    readonly spans: readonly Span[];
    readonly fixture: Parameters<Parameters<typeof withRegistry>[1]>[0];
  }) => Promise<void>,
): Promise<void> {
  await withRegistry(options, async (fixture) => {
    const spans: Span[] = [];
    const watch = (transport: ReturnType<typeof openTransport>) => withTrace(transport, (span) => spans.push(span));
    await using client = openTestClient({watch});
    await body({client, spans, fixture});
  });
}

const requestsOf = (spans: readonly Span[]) => spans.filter(({details}) => 'method' in details);
const endOf = ({startMs, durationMs}: Span) => startMs + durationMs;

describe('registry/trace-transport', ({test}) => {
  test('tells of every exchange, its size and whether its connection was there before', () =>
    withSpans({}, async ({client, spans, fixture: {name, layer, registry}}) => {
      await client.headManifest(name, '1.0');
      await readAll(await client.openBlob(name, layer));
      assert.deepEqual(
        requestsOf(spans).map(({name: title, details}) => [title, details.status, details.reused]),
        [
          [`HEAD ${registry.host}/v2/team/app/manifests/1.0`, 200, false],
          [`GET ${registry.host}/v2/team/app/blobs/${layer.digest}`, 200, true],
        ],
      );
      assert.equal(requestsOf(spans)[1]?.details.bytes, layer.size);
    }));

  test('the parts of an exchange follow each other within it, and the body lasts as long as it is read', () =>
    withSpans({}, async ({client, spans, fixture: {name, layer, registry}}) => {
      registry.setFaults([{on: 'blob', slow: {bytes: 50_000, pauseMs: 20}}]);
      const before = performance.timeOrigin + performance.now();
      await readAll(await client.openBlob(name, layer));
      const after = performance.timeOrigin + performance.now();
      for (const outer of requestsOf(spans)) {
        const parts = spans.filter(({track}) => track === outer.track).filter((span) => span !== outer);
        assert.ok(parts.length > 0);
        assert.ok(outer.startMs >= before - 1 && endOf(outer) <= after + 1);
        let from = outer.startMs;
        for (const part of parts) {
          assert.ok(part.startMs >= from && endOf(part) <= endOf(outer), `${part.name} of ${outer.name}`);
          from = endOf(part);
        }
      }
      const body = spans.findLast(({name: title}) => title === 'body');
      assert.ok(body && body.durationMs >= 40, `${body?.durationMs} ms`);
    }));

  test('shows the TLS handshake of a new connection, and of no other', () =>
    withSpans({tls: buildCertificate({addresses: ['127.0.0.1']})}, async ({client, spans, fixture: {name, layer}}) => {
      await readAll(await client.openBlob(name, layer));
      await readAll(await client.openBlob(name, layer));
      const secured = requestsOf(spans).filter(({details}) => details.status === 200);
      const handshakes = spans.filter(({name: title}) => title === 'tls').map(({track}) => track);
      assert.deepEqual(
        secured.map(({track, details}) => [handshakes.includes(track), details.reused]),
        secured.map((_, index) => (index === 0 ? [true, false] : [false, true])),
      );
      assert.ok(secured.length > 2);
    }));

  test('names what a failed exchange ended with, and no query', () =>
    withSpans({}, async ({client, spans, fixture: {name, layer, registry}}) => {
      const location = `${registry.origin}/v2/team/app/blobs/${layer.digest}?sig=canary`;
      registry.setFaults([
        {on: 'blob', times: 1, status: 307, headers: {location}},
        {on: 'blob', truncateAt: 1000},
      ]);
      const stream = await client.openBlob(name, layer);
      await assert.rejects(readAll(stream));
      const cut = requestsOf(spans).find(({details}) => details.error !== undefined);
      assert.equal(cut?.details.error, 'REGISTRY_UNAVAILABLE');
      assert.doesNotMatch(JSON.stringify(spans), /canary/);
    }));

  test('tells of an exchange once, however it is given up', async () => {
    await using registry = await startRegistry();
    const spans: Span[] = [];
    const plain = openTransport({userAgent: 'winch/test'});
    const transport = withTrace(plain, (span) => spans.push(span));
    const url = new URL('/v2/', registry.origin);
    const [closed, discarded] = [await transport.send({url}), await transport.send({url})];
    closed.close();
    closed.close();
    await discarded.discard();
    discarded.close();
    assert.equal(requestsOf(spans).length, 2);
    await registry.close();
    const error = await failureOf(transport.send({url}));
    assert.equal(requestsOf(spans)[2]?.details.error, error.code);
    transport.close();
  });

  test('does not change what a client sees', () =>
    withSpans({}, async ({client, fixture: {name, layer, client: plain}}) => {
      const [traced, untraced] = [await client.openBlob(name, layer), await plain.openBlob(name, layer)];
      assert.deepEqual(await readAll(traced), await readAll(untraced));
    }));
});
