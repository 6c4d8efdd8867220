import {once} from 'node:events';
import {existsSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {connect, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {readJsonBody} from '../../src/engine-api/api-request.ts';
import {isWinchError} from '../../src/errors.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {baseTar, imageOf} from '../images/sample-images.ts';
import {serveTestStore} from './serve-store.ts';

describe('engine-api/api-server', ({test}) => {
  /** What the server answers to these bytes until it hangs up, which it may do before it has read them all. */
  const exchange = (path: string, bytes: string): Promise<string> =>
    new Promise((resolve) => {
      const pieces: Buffer[] = [];
      const socket = connect(path, () => socket.end(bytes));
      socket.on('data', (piece: Buffer) => pieces.push(piece));
      socket.on('error', () => {});
      socket.on('close', () => resolve(Buffer.concat(pieces).toString()));
    });
  /** As `exchange`, with one piece again and again, until there is an answer. */
  const pour = (path: string, head: string, piece: Uint8Array): Promise<string> =>
    new Promise((resolve) => {
      const pieces: Buffer[] = [];
      const socket = connect(path, () => socket.write(head));
      const more = () => {
        while (pieces.length === 0 && socket.writable && socket.write(piece));
      };
      socket
        .on('connect', more)
        .on('drain', more)
        .on('error', () => {});
      socket.on('data', (answer: Buffer) => {
        pieces.push(answer);
        socket.end();
      });
      socket.on('close', () => resolve(Buffer.concat(pieces).toString()));
    });
  const socketAt = (path: string) => ({places: [{type: 'socket', path, groupId: null}] as const});

  test('tells its version, and what clients ask first', async () => {
    await using served = await serveTestStore();
    const ping = await served.ask('HEAD /_ping');
    assert.equal([ping.status, ping.headers['api-version'], ping.headers.ostype], [200, '1.51', 'linux']);
    assert.is((await served.ask('GET /_ping')).body.toString(), 'OK');
    assert.match(
      JSON.stringify((await served.ask('GET /version')).json()),
      /"Version":"1.2.3".*"MinAPIVersion":"1.24"/,
    );
    const info = (await served.ask('GET /info')).json() as Readonly<Record<string, unknown>>;
    assert.equal([info.Images, info.OSType, info.DockerRootDir], [0, 'linux', served.store.root]);
    // What docker's command and libraries print or go by.
    for (const name of ['Name', 'OperatingSystem', 'Architecture', 'Driver', 'CgroupDriver', 'DefaultRuntime'])
      assert.ok(typeof info[name] === 'string' && info[name] !== '', name);
    for (const name of [
      'Plugins',
      'Runtimes',
      'RegistryConfig',
      'Swarm',
      'ContainerdCommit',
      'RuncCommit',
      'InitCommit',
    ])
      assert.type(info[name], 'object', name);
    for (const name of ['NCPU', 'MemTotal', 'Containers', 'ContainersRunning']) assert.type(info[name], 'number', name);
    assert.type(((await served.ask('GET /system/df')).json() as {LayersSize: unknown}).LayersSize, 'number');
  });

  test('E01 its socket is never there with another mode', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'below', 'winch.sock');
    const modes = new Set<number>();
    const starting = serveTestStore(socketAt(path));
    const look = setInterval(() => {
      const status = statSync(path, {throwIfNoEntry: false});
      if (status) modes.add(status.mode & 0o777);
    }, 0);
    await using _served = await starting;
    await waitFor(() => modes.size > 0);
    clearInterval(look);
    assert.equal([...modes], [0o600]);
  });

  test('takes the place of a dead server, of no other, and leaves nothing', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'winch.sock');
    const dead = createServer().listen(path);
    await once(dead, 'listening');
    const other = await rejectionOf(serveTestStore(socketAt(path)));
    assert.ok(isWinchError(other, 'SOCKET_IN_USE'));
    dead.close();
    writeFileSync(path, '');
    assert.ok(isWinchError(await rejectionOf(serveTestStore(socketAt(path))), 'SOCKET_UNUSABLE'));
    assert.ok(existsSync(path));
  });

  test('ends when nobody has been connected for long enough', async () => {
    await using served = await serveTestStore({idleTimeoutMs: 300});
    const client = connect(served.socketPath);
    await once(client, 'connect');
    await served.ask('GET /_ping');
    assert.ok(existsSync(served.socketPath));
    client.destroy();
    await served.server.closed;
    assert.not.ok(existsSync(served.socketPath));
  });

  test('E02 refuses what is no HTTP, or two kinds of it at once, and goes on', async () => {
    await using served = await serveTestStore();
    const {socketPath} = served;
    const both = 'POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n';
    assert.match(await exchange(socketPath, `${both}0\r\n\r\n`), /^HTTP\/1.1 400 /);
    assert.match(await exchange(socketPath, 'nonsense\r\n\r\n'), /^HTTP\/1.1 400 /);
    const many = Array.from({length: 10_000}, (_, index) => `x-${index}: y`).join('\r\n');
    assert.match(await exchange(socketPath, `GET /_ping HTTP/1.1\r\nHost: d\r\n${many}\r\n\r\n`), /^HTTP\/1.1 431 /);
    const escaping = await exchange(
      socketPath,
      'GET /images/..%2f..%2fetc/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n',
    );
    assert.match(escaping, /^HTTP\/1.1 400 /);
    assert.is((await served.ask('GET /_ping')).status, 200);
    assert.equal(served.bugs, []);
  });

  test('E02 reads no more of a body than it may, however that is sent', async () => {
    await using served = await serveTestStore();
    const {socketPath} = served;
    const head = 'POST /containers/create HTTP/1.1\r\nHost: d\r\n';
    const before = process.memoryUsage.rss();
    const answer = await pour(socketPath, `${head}Content-Length: ${2 ** 30}\r\n\r\n`, Buffer.alloc(2 ** 20, ' '));
    assert.match(answer, /^HTTP\/1.1 413 /);
    assert.ok(process.memoryUsage.rss() - before < 200 * 2 ** 20);
    const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(2 ** 20, ' '), Buffer.from('\r\n')]);
    assert.match(await pour(socketPath, `${head}Transfer-Encoding: chunked\r\n\r\n`, piece), /^HTTP\/1.1 413 /);
    assert.match(await exchange(socketPath, `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`), /^HTTP\/1.1 400 /);
    assert.not.match(await exchange(socketPath, `${head}Content-Length: 100\r\n\r\n{`), /^HTTP\/1.1 2/);
    assert.match(await exchange(socketPath, `${head}Content-Length: 1\r\n\r\n{"a":1}`), /^HTTP\/1.1 400 /);
    for (const path of ['/images/%00/json', '/images/%zz/json', '/containers/%2e%2e%2f/json'])
      assert.ok([400, 404].includes((await served.ask(`GET ${path}`)).status), path);
    assert.is((await served.ask('GET /_ping')).status, 200);
    assert.equal(served.bugs, []);
  });

  test('E02 waits for a body as long as it may', async () => {
    const signal = new AbortController().signal;
    const body = (async function* () {
      yield Buffer.from('{');
      await new Promise(() => {});
    })();
    assert.ok(isWinchError(await rejectionOf(readJsonBody({body, signal}, 10)), 'BODY_TIMEOUT'));
  });

  test('E03 a thousand idle clients cost nobody else an answer, and leave nothing', async () => {
    await using served = await serveTestStore();
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await served.ask('GET /_ping');
    const before = openFiles();
    const clients: Socket[] = [];
    // The kernel holds some hundreds at most that have not been accepted yet.
    while (clients.length < 1000) {
      const more = Array.from({length: 100}, () => connect(served.socketPath));
      await Promise.all(more.map((client) => once(client, 'connect')));
      clients.push(...more);
      await waitFor(() => openFiles() >= before + 2 * clients.length - 10);
    }
    assert.is((await served.ask('GET /_ping')).status, 200);
    for (const client of clients) client.destroy();
    await waitFor(() => openFiles() <= before + 10);
    assert.is((await served.ask('GET /_ping')).status, 200);
  });

  test('E03 a pull ends with its client, and the next one takes over what has come', async () => {
    await using registry = await startRegistry();
    await using served = await serveTestStore();
    registry.put('app', '1', imageOf([baseTar]));
    registry.setFaults([{on: 'blob', slow: {bytes: 10, pauseMs: 50}, times: 1}]);
    const line = `POST /images/create?fromImage=${registry.host}/app&tag=1`;
    const client = connect(served.socketPath);
    client.write(`${line} HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n`);
    await waitFor(() => registry.requests.some((request) => request.class === 'blob'));
    client.destroy();
    assert.is((await served.ask(line)).status, 200);
    assert.equal(served.bugs, []);
  });

  test('passes on what happens, as it happens', async () => {
    await using served = await serveTestStore();
    await served.store.toolkit.images.import(
      (async function* () {
        yield baseTar;
      })(),
      {reference: 'made:1'},
    );
    const until = Date.now() / 1000 + 1;
    const filters = encodeURIComponent('{"type":["image"]}');
    const events = await served.ask(`GET /events?since=1&until=${until}&filters=${filters}`);
    assert.match(events.body.toString(), /"Type":"image"/);
  });
});
