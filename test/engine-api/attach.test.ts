import {once} from 'node:events';
import {readdirSync} from 'node:fs';
import {request as startRequest} from 'node:http';
import type {Socket} from 'node:net';
import {buffer, text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {eventually} from '../containers/kept/kept-store.ts';
import {missingCgroup, missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {hijack, hijackBare, readFrames} from './hijack.ts';
import {type ServedKeptStore, serveKeptStore} from './serve-kept-store.ts';
import type {Served} from './serve-store.ts';
import {clientFrame, openWebSocket, readServerFrames} from './web-socket-client.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

describe('engine-api/attach', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: ServedKeptStore | undefined;
  const served = (): Served => opened ?? fail();

  before(async () => {
    if (skip === undefined) opened = await serveKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const create = async (body: object, host: object = {}): Promise<string> => {
    const config = {Image: 'busybox', ...body, HostConfig: {NetworkMode: 'none', ...host}};
    const answer = await served().ask('POST /containers/create', {body: JSON.stringify(config)});
    assert.is(answer.status, 201, answer.body.toString());
    return (answer.json() as {Id: string}).Id;
  };
  const attach = async (id: string, streams: string): Promise<Socket> =>
    (await hijack(served().socketPath, `POST /containers/${id}/attach?stream=1&${streams}`)).socket;
  const frame = (stream: number, content: string) =>
    `${String.fromCharCode(stream)}\0\0\0\0\0\0${String.fromCharCode(content.length)}${content}`;

  test('runs as docker run does: create, attach, wait, start', async () => {
    const id = await create({Cmd: ['sh', '-c', 'echo out; exit 7']}, {AutoRemove: true});
    const connection = await attach(id, 'stdout=1&stderr=1');
    const removed = served().ask(`POST /containers/${id}/wait?condition=removed`);
    assert.is((await served().ask(`POST /containers/${id}/start`)).status, 204);
    assert.is(await text(connection), frame(1, 'out\n'));
    assert.equal((await removed).json(), {StatusCode: 7});
    assert.is((await served().ask(`GET /containers/${id}/json`)).status, 404);
  });

  test('passes input on until its end, and the output after it', async () => {
    const id = await create({Cmd: ['sh', '-c', 'cat; echo end >&2'], OpenStdin: true, StdinOnce: true});
    const connection = await attach(id, 'stdin=1&stdout=1&stderr=1');
    await served().ask(`POST /containers/${id}/start`);
    connection.end('typed');
    const output = await text(connection);
    assert.ok(output.includes(frame(1, 'typed')) && output.includes(frame(2, 'end\n')), JSON.stringify(output));
  });

  test('a terminal has one bare stream, and a size', async () => {
    const id = await create({Cmd: ['sh', '-c', 'read line; stty size'], OpenStdin: true, Tty: true});
    const connection = await attach(id, 'stdin=1&stdout=1&stderr=1');
    await served().ask(`POST /containers/${id}/start`);
    assert.is((await served().ask(`POST /containers/${id}/resize?h=33&w=111`)).status, 200);
    assert.is((await served().ask(`POST /containers/${id}/resize?h=x`)).status, 400);
    connection.write('go\n');
    assert.match(await text(connection), /33 111\r\n/);
  });

  test('a client that goes leaves the container, and one that cannot start leaves none', async () => {
    const id = await create({Cmd: ['sleep', '600']});
    const connection = await attach(id, 'stdout=1');
    await served().ask(`POST /containers/${id}/start`);
    connection.destroy();
    const {State} = (await served().ask(`GET /containers/${id}/json`)).json() as {State: {Running: boolean}};
    assert.ok(State.Running);
    const failing = await create({Cmd: ['nonsense']}, {AutoRemove: true});
    const closed = once((await attach(failing, 'stdout=1')).resume(), 'close');
    const start = await served().ask(`POST /containers/${failing}/start`);
    assert.is(start.status, 400);
    assert.match(start.body.toString(), /executable file not found/);
    await closed;
    await opened?.store.requireNoTraces();
  });

  test('shows what was printed before it, once, whether more comes or not', async () => {
    const id = await create({Cmd: ['sh', '-c', 'echo first; read line; echo "$line" >&2'], OpenStdin: true});
    await served().ask(`POST /containers/${id}/start`);
    await eventually(async () => (await opened?.store.readLogs(id))?.stdout === 'first\n');
    const ended = await hijack(served().socketPath, `POST /containers/${id}/attach?logs=1&stdout=1&stderr=1`);
    assert.equal(readFrames(await buffer(ended.socket)), {stdout: 'first\n', stderr: ''});
    const connection = await attach(id, 'logs=1&stdin=1&stdout=1&stderr=1');
    connection.end('second\n');
    assert.equal(readFrames(await buffer(connection)), {stdout: 'first\n', stderr: 'second\n'});
    const errors = await hijack(served().socketPath, `POST /containers/${id}/attach?logs=1&stderr=1`);
    assert.equal(readFrames(await buffer(errors.socket)), {stdout: '', stderr: 'second\n'});
  });

  test('keys leave a terminal, and the container goes on', async () => {
    const id = await create({Cmd: ['sh', '-c', 'read line; echo "<$line>"; sleep 600'], OpenStdin: true, Tty: true});
    const connection = await attach(id, 'stdin=1&stdout=1&detachKeys=a,ctrl-b');
    await served().ask(`POST /containers/${id}/start`);
    connection.write('a-a');
    let shown = '';
    connection.setEncoding('utf8').on('data', (piece: string) => {
      shown += piece;
    });
    await eventually(() => shown === 'a-');
    const closed = once(connection, 'close');
    connection.write('\x02late\n');
    await closed;
    assert.is(shown, 'a-');
    const other = await attach(id, 'stdin=1&stdout=1');
    other.write('\n');
    const [piece] = (await once(other, 'data')) as [Buffer];
    assert.ok(piece.length > 0);
    other.destroy();
  });

  test('a client that says nothing of an upgrade gets the same', async () => {
    const id = await create({Cmd: ['sh', '-c', 'cat; echo end >&2'], OpenStdin: true, StdinOnce: true});
    const path = `/v1.45/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
    const {socket, head} = await hijackBare(served().socketPath, `POST ${path}`);
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    // Nobody reads it before the start.
    socket.end('typed');
    await served().ask(`POST /containers/${id}/start`);
    assert.equal(readFrames(await buffer(socket)), {stdout: 'typed', stderr: 'end\n'});
  });

  test('a web socket takes and gives messages, without headers of streams', async () => {
    const id = await create({Cmd: ['sh', '-c', 'read line; echo "<$line>"; echo err >&2'], OpenStdin: true});
    const query = 'stream=1&stdin=1&stdout=1&stderr=1';
    const socket = await openWebSocket(served().socketPath, `/containers/${id}/attach/ws?${query}`);
    await served().ask(`POST /containers/${id}/start`);
    socket.write(clientFrame(1, Buffer.from('typed\n')));
    const {text: said, closeCode} = readServerFrames(await buffer(socket));
    assert.ok(said.includes('<typed>\n') && said.includes('err\n'), said);
    assert.is(closeCode, 1000);
    const headers = {Connection: 'Upgrade', Upgrade: 'tcp'};
    assert.is((await served().ask(`GET /containers/${id}/attach/ws?${query}`, {headers})).status, 400);
    assert.is((await served().ask(`GET /containers/${id}/attach/ws?${query}`)).status, 400);
  });

  test('E03 clients that are killed leave no connection, whatever they had said before', async () => {
    const id = await create({Cmd: ['sleep', '600'], OpenStdin: true});
    await served().ask(`POST /containers/${id}/start`);
    const before = countFiles();
    const streams = ['stdout=1', 'stdin=1&stdout=1', 'stdin=1'];
    const connections = await Promise.all(streams.map((query) => attach(id, query)));
    const bare = await hijackBare(served().socketPath, `POST /containers/${id}/attach?stream=1&stdout=1`);
    const followers = [`/containers/${id}/logs?stdout=1&follow=1`, `/containers/${id}/stats`, '/events'].map((path) => {
      const request = startRequest({socketPath: served().socketPath, path, agent: false});
      request.on('error', () => {}).end();
      return request;
    });
    await Promise.all(followers.slice(0, 2).map((request) => once(request, 'response')));
    const waiting = startRequest({...waitFor(id), socketPath: served().socketPath});
    waiting.on('error', () => {}).end();
    await once(waiting, 'response');
    assert.ok(countFiles() >= before + 2 * (connections.length + 1 + followers.length + 1));
    // Half of them have said that they will say no more.
    for (const connection of connections.slice(1)) connection.end();
    for (const connection of [...connections, bare.socket, ...followers, waiting]) connection.destroy();
    await eventually(() => countFiles() <= before);
  });

  test('refuses what cannot be attached to', async () => {
    const ask = (path: string) => served().ask(`POST ${path}`, {headers: {Connection: 'Upgrade', Upgrade: 'tcp'}});
    assert.is((await ask('/containers/none/attach')).status, 404);
    assert.is((await ask('/containers/prune')).status, 400);
    assert.is((await served().ask('POST /containers/none/attach')).status, 404);
    const id = await create({Cmd: ['sleep', '600'], Tty: true});
    assert.is((await ask(`/containers/${id}/attach?stream=1&detachKeys=nonsense`)).status, 400);
    const unknown = await served().ask('POST /containers/create', {body: '{"Image":"none"}'});
    assert.is(unknown.status, 404);
  });

  declare(
    'E05 refuses to attach to what is paused',
    async () => {
      const id = await create({Cmd: ['sleep', '600']});
      await served().ask(`POST /containers/${id}/start`);
      await served().ask(`POST /containers/${id}/pause`);
      assert.is((await served().ask(`POST /containers/${id}/attach?stream=1`)).status, 409);
      await served().ask(`POST /containers/${id}/unpause`);
    },
    {skip: skip ?? missingCgroup()},
  );
});

/** Open in this process, which is server and clients. */
const countFiles = (): number => readdirSync('/proc/self/fd').length;

const waitFor = (id: string) => ({method: 'POST', path: `/containers/${id}/wait?condition=next-exit`, agent: false});

const fail = (): never => {
  throw new Error('the store was not opened');
};
