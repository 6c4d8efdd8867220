import {once} from 'node:events';
import {connect} from 'node:net';
import * as assert from 'uvu/assert';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {serveTestStore} from './serve-store.ts';

const UPGRADE = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n';
const STARTS = 'POST /exec/none/start HTTP/1.1';

describe('engine-api/hijack', ({test}) => {
  /** What is answered to these bytes until the server hangs up, which it may do before it has read them all. */
  const say = (path: string, bytes: string): Promise<string> =>
    new Promise((resolve) => {
      const pieces: Buffer[] = [];
      const socket = connect({path}, () => socket.end(bytes));
      socket.on('data', (piece: Buffer) => pieces.push(piece));
      socket.on('error', () => {});
      socket.on('close', () => resolve(Buffer.concat(pieces).toString()));
    });
  const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]);

  test('E02 lies about the bodies of requests to leave HTTP harm nobody', async () => {
    await using served = await serveTestStore();
    const {socketPath} = served;
    const ask = async (lines: string, body: string) => statusOf(await say(socketPath, `${lines}\r\n\r\n${body}`));
    const start = `${STARTS}\r\n${UPGRADE}Content-Type: application/json`;
    assert.is(await ask(`${start}\r\nContent-Length: 2`, '{}'), 404);
    assert.is(await ask(`${start}\r\nTransfer-Encoding: chunked`, '2\r\n{}\r\n0\r\n\r\n'), 404);
    assert.is(await ask(`${start}\r\nTransfer-Encoding: chunked\r\nContent-Length: 2`, '2\r\n{}\r\n0\r\n\r\n'), 400);
    assert.is(await ask(`${start}\r\nContent-Length: x`, '{}'), 400);
    const plain = `POST /containers/prune HTTP/1.1\r\n${UPGRADE}Content-Length: 0`;
    assert.is(await ask(plain, 'what follows'), 400);
    assert.is(await ask(`POST /containers/..%2f..%2fetc/attach HTTP/1.1\r\n${UPGRADE}Content-Length: 0`, ''), 404);
    assert.is(await ask(`POST /containers/a%00b/attach HTTP/1.1\r\n${UPGRADE}Content-Length: 0`, ''), 400);
    assert.is(await ask(`GET /containers/none/attach HTTP/1.1\r\n${UPGRADE}Content-Length: 0`, ''), 404);
    const many = Array.from({length: 5000}, (_, index) => `X-${index}: ${'x'.repeat(20)}\r\n`).join('');
    assert.is(await ask(`${STARTS}\r\n${UPGRADE}${many}Content-Length: 0`, ''), 431);
    assert.equal(served.bugs, []);
  });

  test('E02 half a request to leave HTTP holds nothing when its client is gone', async () => {
    await using served = await serveTestStore();
    const socket = connect({path: served.socketPath});
    socket.write(`${STARTS}\r\n${UPGRADE}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"Detach":`);
    await once(socket, 'connect');
    assert.is((await served.ask('GET /_ping')).status, 200);
    socket.destroy();
    await waitFor(() => socket.closed);
    served.server.close();
    await served.server.closed;
    assert.equal(served.bugs, []);
  });
});
