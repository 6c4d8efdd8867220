import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, existsSync, statSync, writeFileSync} from 'node:fs';
import {Agent, request as requestPlain} from 'node:http';
import {request as requestSecure} from 'node:https';
import {connect, type Socket} from 'node:net';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import type {SecureContextOptions} from 'node:tls';
import * as assert from 'uvu/assert';
import {buildAuthority} from '../../fixtures/build-certificate.ts';
import {isWinchError} from '../../src/errors.ts';
import {type HttpServerOptions, type HttpService, startHttpServer} from '../../src/http-server/http-server.ts';
import type {ListenPlace} from '../../src/http-server/listen-place.ts';
import {isListenedOn} from '../../src/http-server/unix-sockets.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingRoot} from '../helpers/requires.ts';
import {noteStarted} from '../helpers/started-processes.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {waitFor} from '../helpers/wait-for.ts';

const GROUP = 65_532;
const STRANGER = 65_531;

describe('http-server/http-server', ({test}) => {
  const greet: HttpService['onRequest'] = async (request, response) => {
    let bytes = 0;
    for await (const piece of request) bytes += piece.length;
    response.end(`${bytes}`);
  };
  const socketAt = (path: string, groupId: number | null = null) => ({type: 'socket', path, groupId}) as const;
  const portOf = (address = '') => Number(new URL(address.replace('tcp:', 'http:')).port);

  const start = async (places: readonly ListenPlace[], options: Partial<HttpServerOptions> = {}) => {
    const services = [{places, onRequest: greet}];
    const server = await startHttpServer({services, idleTimeoutMs: null, ...options});
    return {
      ...server,
      [Symbol.asyncDispose]: async () => {
        server.close();
        await server.closed;
      },
    };
  };

  const ask = async (socketPath: string): Promise<string> => {
    const request = requestPlain({socketPath, agent: false, method: 'POST'}).end('four');
    const [response] = await once(request, 'response');
    return await text(response);
  };

  const hangUp = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      const pieces: Buffer[] = [];
      socket.on('data', (piece: Buffer) => pieces.push(piece));
      socket.on('error', () => {});
      socket.on('close', () => resolve(Buffer.concat(pieces).toString()));
    });

  test(
    'E01 a socket never lets anybody in but its owner and, once it is theirs, its group',
    async () => {
      using directory = makeTemporaryDirectory();
      chmodSync(directory.path, 0o755);
      const [path, stop] = [join(directory.path, 'winch.sock'), join(directory.path, 'stop')];
      // Each state that the socket is ever in, as another process sees it.
      const look = `
        const {existsSync, statSync} = require('node:fs');
        const seen = new Set();
        process.stdout.write('looking\\n');
        while (!existsSync(${JSON.stringify(stop)})) {
          const status = statSync(${JSON.stringify(path)}, {throwIfNoEntry: false});
          if (status) seen.add((status.mode & 0o777).toString(8) + ' ' + status.gid);
        }
        process.stdout.write([...seen].join());`;
      const child = spawn(process.execPath, ['-e', look], {stdio: ['ignore', 'pipe', 'inherit']});
      noteStarted(child);
      const [first] = await once(child.stdout, 'data');
      assert.is(first.toString(), 'looking\n');
      // Again and again, as the other process sees only some moments.
      for (let count = 0; count < 20; count += 1) await (await start([socketAt(path, GROUP)]))[Symbol.asyncDispose]();
      await using _server = await start([socketAt(path, GROUP)]);
      const connectAs = async (userId: number, groupId: number): Promise<string> => {
        process.setegid?.(groupId);
        process.seteuid?.(userId);
        const socket = connect(path);
        process.seteuid?.(0);
        process.setegid?.(0);
        const outcome = await Promise.race([
          once(socket, 'connect').then(() => 'connected'),
          once(socket, 'error').then(([error]) => error.code),
        ]).catch((error) => error.code);
        socket.destroy();
        return outcome;
      };
      assert.is(await connectAs(STRANGER, STRANGER), 'EACCES');
      assert.is(await connectAs(STRANGER, GROUP), 'connected');
      writeFileSync(stop, '');
      const states = (await text(child.stdout)).split(',');
      const {gid} = statSync(directory.path);
      assert.ok(states.includes(`660 ${GROUP}`), states.join());
      assert.equal(
        states.filter((state) => ![`600 ${gid}`, `600 ${GROUP}`, `660 ${GROUP}`].includes(state)),
        [],
      );
    },
    {skip: missingRoot()},
  );

  test('listens at all places, or at none', async () => {
    using directory = makeTemporaryDirectory();
    const [one, two] = [join(directory.path, 'one.sock'), join(directory.path, 'below', 'two.sock')];
    assert.not.ok(isListenedOn(one));
    {
      await using server = await start([socketAt(one), socketAt(two)]);
      assert.equal([isListenedOn(one), isListenedOn(two), isListenedOn(directory.path)], [true, true, false]);
      assert.equal(server.addresses, [`unix://${one}`, `unix://${two}`]);
      assert.equal([await ask(one), await ask(two)], ['4', '4']);
    }
    assert.equal([existsSync(one), existsSync(two)], [false, false]);
    writeFileSync(two, '');
    assert.ok(isWinchError(await rejectionOf(start([socketAt(one), socketAt(two)])), 'SOCKET_UNUSABLE'));
    assert.equal([existsSync(one), existsSync(two)], [false, true]);
  });

  test('serves TCP to those alone who show a certificate of its authority', async () => {
    const [authority, other] = [buildAuthority(), buildAuthority('another')];
    const {key, cert: certificate} = authority.issue();
    const tls = {authorities: authority.cert, certificate, key};
    await using server = await start([{type: 'port', host: '127.0.0.1', port: 0, tls}]);
    const port = portOf(server.addresses[0]);
    const post = async (settings: SecureContextOptions): Promise<string> => {
      const request = requestSecure({...settings, host: '127.0.0.1', port, agent: false, method: 'POST'});
      request.end('four');
      try {
        const [response] = await once(request, 'response');
        return await text(response);
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    assert.is(await post({ca: authority.cert, ...authority.issue()}), '4');
    assert.match(await post({ca: authority.cert}), /certificate required|ECONNRESET|socket hang up/);
    assert.match(await post({ca: authority.cert, ...other.issue()}), /unknown ca|ECONNRESET|socket hang up/);
    const plain = connect(port, '127.0.0.1').end('GET / HTTP/1.1\r\nHost: d\r\n\r\n');
    assert.not.match(await hangUp(plain), /200 OK/);
    const unusable = start([{type: 'port', host: '127.0.0.1', port: 0, tls: {...tls, key: 'none'}}]);
    assert.ok(isWinchError(await rejectionOf(unusable), 'CERTIFICATE_INVALID'));
    const taken = start([{type: 'port', host: '127.0.0.1', port, tls}]);
    assert.ok(isWinchError(await rejectionOf(taken), 'ADDRESS_UNUSABLE'));
  });

  test('E02 hangs up on those who take their time with the headers, and serves the others', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'winch.sock');
    await using _server = await start([socketAt(path)], {limits: {headersTimeoutMs: 400}});
    const silent = hangUp(connect(path));
    const stopped = connect(path);
    stopped.write('GET / HTTP/1.1\r\nx: y\r\n');
    const refused = hangUp(stopped);
    const slow = connect(path);
    slow.write('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => slow.write('x: y\r\n'), 50);
    // What is still on its way when the server hangs up costs the client the answer.
    assert.not.match(await hangUp(slow), / 200 /);
    clearInterval(drip);
    assert.match(await refused, /^HTTP\/1.1 408 /);
    await silent;
    assert.is(await ask(path), '4');
  });

  test('E02 takes no more connections than it may', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'winch.sock');
    await using _server = await start([socketAt(path)], {limits: {mostConnections: 1}});
    const first = connect(path);
    await once(first, 'connect');
    assert.is(await hangUp(connect(path)), '');
    first.destroy();
    await once(first, 'close');
    assert.is(await ask(path), '4');
  });

  test('waits long for the next request of a connection, and ends it with the server', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'winch.sock');
    const server = await start([socketAt(path)], {limits: {headersTimeoutMs: 200}});
    const agent = new Agent({keepAlive: true});
    const [response] = await once(requestPlain({socketPath: path, agent}).end(), 'response');
    assert.match(String(response.headers['keep-alive']), /timeout=300/);
    const {socket} = response;
    await text(response);
    server.close();
    await Promise.all([server.closed, once(socket, 'close')]);
    agent.destroy();
  });

  test('lets requests end that are running when it ends', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'winch.sock');
    const server = await start([socketAt(path)]);
    const request = requestPlain({socketPath: path, agent: false, method: 'POST'});
    request.write('four');
    await once(request, 'socket').then(([socket]) => socket.connecting && once(socket, 'connect'));
    const probe = await ask(path);
    server.close();
    assert.not.ok(existsSync(path));
    request.end('more');
    const [response] = await once(request, 'response');
    assert.equal([probe, await text(response)], ['4', '8']);
    await server.closed;
  });

  test('ends when nobody has been connected for long enough, at any of its places', async () => {
    using directory = makeTemporaryDirectory();
    const [one, two] = [join(directory.path, 'one.sock'), join(directory.path, 'two.sock')];
    const server = await start([socketAt(one), socketAt(two)], {idleTimeoutMs: 300});
    const client = connect(two);
    await once(client, 'connect');
    await ask(one);
    assert.ok(existsSync(one));
    client.destroy();
    await server.closed;
    await waitFor(() => !existsSync(one) && !existsSync(two));
  });
});
