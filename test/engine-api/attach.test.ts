import {once} from 'node:events';
import {request as startRequest} from 'node:http';
import type {Socket} from 'node:net';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {type KeptStore, openKeptStore} from '../containers/kept/kept-store.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {type Served, serveStore} from './serve-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const HEADERS = {Connection: 'Upgrade', Upgrade: 'tcp'};

describe('engine-api/attach', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: {readonly store: KeptStore; readonly served: Served} | undefined;
  const served = (): Served => opened?.served ?? fail();

  before(async () => {
    if (skip !== undefined) return;
    const store = await openKeptStore();
    opened = {store, served: await serveStore(store)};
  });
  after(async () => {
    assert.equal(opened?.served.bugs ?? [], []);
    await opened?.served[Symbol.asyncDispose]();
    await opened?.store[Symbol.asyncDispose]();
  });

  const create = async (body: object, host: object = {}): Promise<string> => {
    const config = {Image: 'busybox', ...body, HostConfig: {NetworkMode: 'none', ...host}};
    const answer = await served().ask('POST /containers/create', {body: JSON.stringify(config)});
    assert.is(answer.status, 201, answer.body.toString());
    return (answer.json() as {Id: string}).Id;
  };
  const attach = async (id: string, streams: string): Promise<Socket> => {
    const path = `/containers/${id}/attach?stream=1&${streams}`;
    const request = startRequest({socketPath: served().socketPath, method: 'POST', path, headers: HEADERS});
    request.end();
    const [response, socket] = await once(request, 'upgrade');
    assert.is(response.statusCode, 101);
    return socket;
  };
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

  test('refuses what cannot be attached to', async () => {
    const ask = (path: string) => served().ask(`POST ${path}`, {headers: HEADERS});
    assert.is((await ask('/containers/none/attach')).status, 404);
    assert.is((await ask('/containers/prune')).status, 400);
    assert.is((await served().ask('POST /containers/none/attach')).status, 404);
    const unknown = await served().ask('POST /containers/create', {body: '{"Image":"none"}'});
    assert.is(unknown.status, 404);
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
