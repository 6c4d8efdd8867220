import * as assert from 'node:assert/strict';
import {once} from 'node:events';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import {buildCertificate} from '../../fixtures/build-certificate.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {DEFAULT_TLS} from '../../src/registry/tls-settings.ts';
import {openTransport, type TransportOptions} from '../../src/registry/transport.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, readAll, withRegistry} from './with-registry.ts';

const SHORT = {connectMs: 2000, responseMs: 150, stallMs: 150};

/** Sends one GET and reads the reply, through a transport of its own. */
async function get(url: string, options: Partial<TransportOptions> = {}): Promise<Buffer> {
  const transport = openTransport({userAgent: 'winch/test', ...options});
  try {
    const response = await transport.send({url: new URL(url)});
    return await readAll(response.body);
  } finally {
    transport.close();
  }
}

/** Serves connections by hand. */
async function withServer(onConnection: (socket: Socket) => void, body: (url: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

describe('registry/transport', ({test}) => {
  test('names a host that does not exist', async () => {
    const error = await failureOf(get('https://registry.invalid/v2/'));
    assert.equal(error.code, 'REGISTRY_UNREACHABLE');
    assert.equal(error.kind, 'unavailable');
    assert.match(
      error.message,
      /^registry\.invalid cannot be reached: (no such host|its name cannot be resolved now)$/,
    );
  });

  test('names a port where nothing listens', async () => {
    const registry = await startRegistry();
    await registry.close();
    const error = await failureOf(get(registry.origin));
    assert.match(error.message, /cannot be reached: connection refused$/);
    assert.match(error.hint ?? '', /listens on that port/);
  });

  test('names what is wrong with a certificate', async () => {
    const cases = [
      [{}, /signed by itself/],
      [{notAfter: new Date('2021-01-01')}, /has expired|signed by itself/],
    ] as const;
    for (const [source, fault] of cases) {
      await using registry = await startRegistry({tls: buildCertificate(source)});
      const error = await failureOf(get(`${registry.origin}/v2/`));
      assert.equal(error.code, 'TLS_FAILED');
      assert.match(error.message, fault);
      assert.equal(registry.requests.length, 0);
    }
  });

  test('takes any certificate where that is allowed', async () => {
    await using registry = await startRegistry({tls: buildCertificate()});
    assert.equal(
      (await get(`${registry.origin}/v2/`, {tls: async () => ({...DEFAULT_TLS, isVerified: false})})).toString(),
      '{}',
    );
  });

  test('says that a server on the port speaks no TLS', async () => {
    await using registry = await startRegistry();
    const error = await failureOf(get(`https://${registry.host}/v2/`));
    assert.equal(error.code, 'TLS_FAILED');
    assert.match(error.hint ?? '', /plain HTTP/);
  });

  test('refuses what is not HTTP, or too much of it', async () => {
    const replies = [
      'SSH-2.0-x\r\n',
      `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}\r\n\r\n`,
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    ];
    for (const reply of replies) {
      await withServer(
        (socket) => void socket.end(reply),
        async (url) => {
          assert.equal((await failureOf(get(url))).code, 'PROTOCOL_ERROR', reply.slice(0, 60));
        },
      );
    }
  });

  test('refuses a broken chunk in the middle of a body', () =>
    withServer(
      (socket) => void socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n'),
      async (url) => {
        assert.match((await failureOf(get(url))).code, /^(PROTOCOL_ERROR|REGISTRY_UNAVAILABLE)$/);
      },
    ));

  test('gives up on a server that takes the request and never answers', () =>
    withServer(
      () => {},
      async (url) => {
        const error = await failureOf(get(url, {timeouts: SHORT}));
        assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
        assert.match(error.message, /takes the request but does not answer/);
      },
    ));

  test('gives up on a body that stops, or trickles', () =>
    withRegistry({}, async ({registry, layer}) => {
      const url = `${registry.origin}/v2/team/app/blobs/${layer.digest}`;
      for (const pauseMs of [400, 20]) {
        registry.setFaults([{on: 'blob', slow: {bytes: 1, pauseMs}}]);
        const error = await failureOf(get(url, {timeouts: SHORT}));
        assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
        assert.match(error.message, /stopped sending data/);
      }
    }));

  test('does not count the time of a slow reader as a stall', () =>
    withRegistry({}, async ({registry, layer}) => {
      const transport = openTransport({userAgent: 'x', timeouts: {stallMs: 60}});
      const response = await transport.send({url: new URL(`${registry.origin}/v2/team/app/blobs/${layer.digest}`)});
      let bytes = 0;
      for await (const chunk of response.body) {
        bytes += chunk.length;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      transport.close();
      assert.equal(bytes, layer.size);
    }));

  test('uses one connection for one request after another', () => {
    let connections = 0;
    const reply = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    const serve = (socket: Socket) => {
      connections++;
      socket.on('data', () => void socket.write(reply));
    };
    return withServer(serve, async (url) => {
      const transport = openTransport({userAgent: 'x'});
      await readAll((await transport.send({url: new URL(url)})).body);
      await (await transport.send({url: new URL(url)})).discard();
      await (await transport.send({url: new URL(url), method: 'HEAD'})).discard();
      transport.close();
      assert.equal(connections, 1);
    });
  });

  test('asks again when a kept connection turns out to be closed', () => {
    let connections = 0;
    const serve = (socket: Socket) => {
      const isFirst = connections++ === 0;
      let requests = 0;
      socket.on('data', () => {
        if (isFirst && requests++ > 0) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    };
    return withServer(serve, async (url) => {
      const transport = openTransport({userAgent: 'x'});
      for (const _ of [1, 2]) await readAll((await transport.send({url: new URL(url)})).body);
      transport.close();
      assert.equal(connections, 2);
    });
  });

  test('passes on the reason of an abort, before and during a request and a body', () =>
    withRegistry({}, async ({registry, client, name, layer}) => {
      const reason = new Error('enough');
      await assert.rejects(client.getManifest(name, '1.0', {signal: AbortSignal.abort(reason)}), reason);
      registry.setFaults([
        {on: 'manifest', hang: true},
        {on: 'blob', slow: {bytes: 1000, pauseMs: 50}},
      ]);
      const waiting = new AbortController();
      const manifest = client.getManifest(name, '1.0', {signal: waiting.signal});
      setTimeout(() => waiting.abort(reason), 30);
      await assert.rejects(manifest, reason);
      const reading = new AbortController();
      const blob = await client.openBlob(name, layer, {signal: reading.signal});
      setTimeout(() => reading.abort(reason), 30);
      await assert.rejects(readAll(blob), reason);
    }));

  test('closing cuts what still runs', () =>
    withRegistry({faults: [{on: 'blob', slow: {bytes: 1000, pauseMs: 50}}]}, async ({client, name, layer}) => {
      const blob = await client.openBlob(name, layer);
      setTimeout(() => client.close(), 30);
      assert.equal((await failureOf(readAll(blob))).code, 'REGISTRY_UNAVAILABLE');
    }));
});
