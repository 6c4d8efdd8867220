import {createHash, randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {buffer, text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {eventually} from '../containers/kept/kept-store.ts';
import {missingCgroup, missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {hijack, hijackBare, readFrames} from './hijack.ts';
import {type ServedKeptStore, serveKeptStore} from './serve-kept-store.ts';
import type {Served} from './serve-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const SEVERAL_MEGABYTES = 8 * 2 ** 20;
const ATTACHED = {AttachStdout: true, AttachStderr: true};

interface Exec {
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly Pid: number;
  readonly DetachKeys: string;
}

describe('engine-api/exec', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: ServedKeptStore | undefined;
  let container = '';
  const served = (): Served => opened ?? fail();

  before(async () => {
    if (skip !== undefined) return;
    opened = await serveKeptStore();
    container = await opened.store.start('sleep 600', {name: 'target'});
  });
  after(async () => {
    await opened?.store.requireNoTraces();
    await opened?.[Symbol.asyncDispose]();
  });

  const make = async (Cmd: readonly string[], more: object = {}): Promise<string> => {
    const body = JSON.stringify({...ATTACHED, Cmd, ...more});
    const answer = await served().ask(`POST /containers/${container}/exec`, {body});
    assert.is(answer.status, 201, answer.body.toString());
    return (answer.json() as {Id: string}).Id;
  };
  const start = (id: string, body: object = {}) => hijack(served().socketPath, `POST /exec/${id}/start`, body);
  const inspect = async (id: string) => (await served().ask(`GET /exec/${id}/json`)).json() as Exec;
  const statusOf = async (line: string, body: unknown = {}) =>
    (await served().ask(line, line.startsWith('GET') ? {} : {body: JSON.stringify(body)})).status;

  test('runs as docker exec does: the streams in frames, and the code once they have ended', async () => {
    const id = await make(['sh', '-c', 'echo out; echo err >&2; exit 7'], {Env: ['A=b'], User: 'alice'});
    const {ExitCode, DetachKeys} = await inspect(id);
    assert.equal([ExitCode, DetachKeys], [null, '']);
    const keys = await inspect(await make(['true'], {DetachKeys: 'ctrl-a,b'}));
    assert.is(keys.DetachKeys, Buffer.from('\x01b').toString('base64'));
    const {socket, contentType} = await start(id, {Detach: false, Tty: false});
    assert.is(contentType, 'application/vnd.docker.multiplexed-stream');
    assert.equal(readFrames(await buffer(socket)), {stdout: 'out\n', stderr: 'err\n'});
    const ended = await inspect(id);
    assert.equal([ended.Running, ended.ExitCode], [false, 7]);
    const seen = await start(
      await make(['sh', '-c', 'echo $A; id -u; pwd'], {Env: ['A=b'], User: '1000', WorkingDir: '/tmp'}),
    );
    assert.is(readFrames(await buffer(seen.socket)).stdout, 'b\n1000\n/tmp\n');
  });

  test('passes on input and output byte for byte, and the end of the input', async () => {
    const bytes = randomBytes(SEVERAL_MEGABYTES);
    const {socket} = await start(await make(['sh', '-c', 'cat | md5sum; echo done'], {AttachStdin: true}));
    socket.end(bytes);
    const {stdout} = readFrames(await buffer(socket));
    assert.is(stdout, `${createHash('md5').update(bytes).digest('hex')}  -\ndone\n`);
    const echo = await start(await make(['cat'], {AttachStdin: true}));
    echo.socket.end(bytes);
    assert.ok(Buffer.from(readFrames(await buffer(echo.socket)).stdout, 'latin1').equals(bytes));
  });

  test('a terminal has one bare stream, a size that changes, and keys that leave it', async () => {
    const id = await make(
      ['sh', '-c', 'stty size; trap "stty size" WINCH; echo ready; while :; do read line && echo "<$line>"; done'],
      {
        ...{Tty: true, AttachStdin: true, ConsoleSize: [11, 22]},
      },
    );
    const {socket, contentType} = await start(id, {Tty: true, ConsoleSize: [33, 111]});
    assert.is(contentType, 'application/vnd.docker.raw-stream');
    let shown = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      shown += piece;
    });
    await eventually(() => shown.includes('33 111\r\nready\r\n'));
    assert.is(await statusOf(`POST /exec/${id}/resize?h=44&w=99`), 200);
    socket.write('x\n');
    await eventually(() => shown.includes('<x>\r\n') && shown.includes('44 99\r\n'));
    assert.ok((await inspect(id)).Running);
    const closed = once(socket, 'close');
    socket.write('\x10\x11');
    await closed;
    const {Running, Pid} = await inspect(id);
    assert.ok(Running && Pid > 1);
    process.kill(Pid, 'SIGKILL');
    await eventually(async () => (await inspect(id)).ExitCode === 137);
  });

  test('a terminal that ends shows all of it', async () => {
    const {socket} = await start(await make(['busybox', 'seq', '1', '5000'], {Tty: true}), {Tty: true});
    const lines = (await text(socket)).split('\r\n');
    assert.equal([lines.length, lines.at(-2)], [5001, '5000']);
  });

  test('apart it is connected to nothing, and its end is known', async () => {
    const id = await make(['sh', '-c', 'read line; echo lost; exit 5']);
    assert.is(await statusOf(`POST /exec/${id}/start`, {Detach: true}), 200);
    await eventually(async () => (await inspect(id)).ExitCode === 5);
    const shown = await make(['sh', '-c', 'test -t 1 && exit 6'], {Tty: true});
    assert.is(await statusOf(`POST /exec/${shown}/start`, {Detach: true, Tty: true}), 200);
    await eventually(async () => (await inspect(shown)).ExitCode === 6);
  });

  test('what cannot be run says so where its output would be', async () => {
    const id = await make(['nothing']);
    const {socket} = await start(id);
    assert.match(readFrames(await buffer(socket)).stdout, /executable file not found.*\r\n$/);
    assert.is((await inspect(id)).ExitCode, 127);
    assert.is(await statusOf(`POST /exec/${await make(['nothing'])}/start`, {Detach: true}), 400);
    assert.is(await statusOf(`POST /exec/${await make(['/etc/passwd'])}/start`, {Detach: true}), 400);
  });

  test('a client that goes leaves the command, whose output is lost', async () => {
    const id = await make(['sh', '-c', 'cat; while :; do echo more; sleep 0.01; test -e /enough && exit 9; done'], {
      AttachStdin: true,
    });
    const {socket} = await start(id);
    socket.write('typed');
    await once(socket, 'data');
    socket.destroy();
    await start(await make(['touch', '/enough'])).then(({socket: other}) => buffer(other));
    await eventually(async () => (await inspect(id)).ExitCode === 9);
  });

  test('a client that says nothing of an upgrade gets the same', async () => {
    const {socket, head} = await hijackBare(
      served().socketPath,
      `POST /v1.45/exec/${await make(['sh', '-c', 'cat; echo end >&2'], {AttachStdin: true})}/start`,
      {},
    );
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    socket.end('typed');
    assert.equal(readFrames(await buffer(socket)), {stdout: 'typed', stderr: 'end\n'});
  });

  test('E05 answers with the statuses of docker', async () => {
    const path = `/containers/${container}/exec`;
    assert.is(await statusOf('POST /containers/none/exec', {Cmd: ['true']}), 404);
    assert.is(await statusOf(`POST ${path}`, {}), 400);
    assert.is(await statusOf(`POST ${path}`, {Cmd: 'true', Env: 'A=b'}), 400);
    assert.is(await statusOf(`POST ${path}`, {Cmd: ['true'], DetachKeys: 'nonsense'}), 400);
    for (const line of ['GET /exec/none/json', 'POST /exec/none/start', 'POST /exec/none/resize?h=1&w=1']) {
      assert.is(await statusOf(line), 404, line);
    }
    const id = await make(['true']);
    assert.is(await statusOf(`POST /exec/${id}/resize?h=one&w=2`), 400);
    assert.is(await statusOf(`POST /exec/${id}/start`, {Detach: 'yes'}), 400);
    const large = {body: JSON.stringify({Detach: 'x'.repeat(5 * 2 ** 20)})};
    const upgrade = {...large, headers: {Connection: 'Upgrade', Upgrade: 'tcp'}};
    for (const question of [large, upgrade]) {
      assert.is((await served().ask(`POST /exec/${id}/start`, question)).status, 413);
    }
    assert.is(await statusOf(`POST /exec/${id}/start`, {Detach: true}), 200);
    assert.is(await statusOf(`POST /exec/${id}/start`, {Detach: true}), 409);
    const stopped = await opened?.store.create('true');
    assert.is(await statusOf(`POST /containers/${stopped}/exec`, {Cmd: ['true']}), 409);
  });

  declare(
    'E05 refuses to begin in a container that is paused',
    async () => {
      const late = await make(['true']);
      await served().ask(`POST /containers/${container}/pause`);
      assert.is(await statusOf(`POST /containers/${container}/exec`, {Cmd: ['true']}), 409);
      assert.is(await statusOf(`POST /exec/${late}/start`), 409);
      await served().ask(`POST /containers/${container}/unpause`);
    },
    {skip: skip ?? missingCgroup()},
  );
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
