// node bench/attach.ts [--seconds N] [--idle N] [--busy N] [--bytes N]: clients that stay connected to `winch serve`.
//
// First a crowd: many attachments that see nothing, some that see a line every few milliseconds, some execs that echo, and
// every second a client that is killed and another one in its place. Then one reader that takes its time with much output,
// by attach, exec and logs. Prints a JSON line for each: how much memory the server had after ten seconds (or at the
// beginning), at most and at the end, and how many open files. Fails when a connection or a container is lost, or when
// memory grows by more than half.
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import type {Socket} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {busyboxImage} from '../fixtures/busybox-image.ts';
import {startRegistry} from '../fixtures/registry-server.ts';
import {hijack} from '../test/engine-api/hijack.ts';
import {askSocket} from '../test/engine-api/serve-store.ts';
import {waitFor} from '../test/helpers/wait-for.ts';
import {makeWinch, type Winch} from '../test/helpers/winch.ts';

const {values} = parseArgs({
  options: {
    seconds: {type: 'string', default: '60'},
    idle: {type: 'string', default: '200'},
    busy: {type: 'string', default: '20'},
    bytes: {type: 'string', default: String(2 ** 30)},
  },
});
const WARM_UP_SECONDS = 10;
const GROWTH = 1.5;
const MEBIBYTE = 2 ** 20;
/** Of a reader that takes its time: so much at once, and then nothing for so long. */
const [GULP_BYTES, PAUSE_MS] = [4 * MEBIBYTE, 50];

interface Rig {
  readonly socketPath: string;
  readonly pid: number;
  start(script: string): Promise<string>;
  attach(id: string): Promise<Socket>;
  exec(id: string, command: readonly string[], input: boolean): Promise<Socket>;
  countRunning(): Promise<number>;
}

async function openRig(winch: Winch): Promise<Rig & AsyncDisposable> {
  const image = await pull(winch);
  const socketPath = join(winch.directory, 'winch.sock');
  const server = winch.start(['serve', '--host', `unix://${socketPath}`]);
  await waitFor(() => server.readStderr().includes('listening'));
  const ask = async (line: string, body: object) =>
    (await askSocket(socketPath, line, {body: JSON.stringify(body)})).json() as {Id: string};
  const list = async () => (await askSocket(socketPath, 'GET /containers/json')).json() as {Id: string}[];
  return {
    socketPath,
    pid: server.child.pid ?? 0,
    start: async (script) => {
      const body = {Image: image, Cmd: ['sh', '-c', script], HostConfig: {NetworkMode: 'none'}};
      const {Id} = await ask('POST /containers/create', body);
      await askSocket(socketPath, `POST /containers/${Id}/start`);
      return Id;
    },
    attach: async (id) => (await hijack(socketPath, `POST /containers/${id}/attach?stream=1&stdout=1`)).socket,
    exec: async (id, Cmd, AttachStdin) => {
      const {Id} = await ask(`POST /containers/${id}/exec`, {Cmd, AttachStdin, AttachStdout: true});
      return (await hijack(socketPath, `POST /exec/${Id}/start`, {})).socket;
    },
    countRunning: async () => (await list()).length,
    [Symbol.asyncDispose]: async () => {
      for (const {Id} of await list()) await askSocket(socketPath, `DELETE /containers/${Id}?force=1`);
      server.child.kill('SIGTERM');
      await server.exited;
    },
  };
}

async function pull(winch: Winch): Promise<string> {
  await using registry = await startRegistry();
  registry.put('busybox', '1', busyboxImage());
  const image = `${registry.host}/busybox:1`;
  await winch.run(['pull', '--platform', 'linux/amd64', image]);
  return image;
}

/** Memory in MiB and the number of open files of a process, as they are now. */
function look(pid: number): {readonly rss: number; readonly files: number} {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rss = Math.round(Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024);
  return {rss, files: readdirSync(`/proc/${pid}/fd`).length};
}

function report(figures: {readonly name: string; readonly [key: string]: unknown}, isGood: boolean): void {
  process.stdout.write(`${JSON.stringify({...figures, isGood})}\n`);
  if (!isGood) process.exitCode = 1;
}

async function crowd(rig: Rig): Promise<void> {
  const [idle, busy, seconds] = [values.idle, values.busy, values.seconds].map(Number) as [number, number, number];
  const target = await rig.start('sleep 100000');
  const talker = await rig.start('while :; do echo some words; sleep 0.02; done');
  const before = look(rig.pid);
  const stopped = new AbortController();
  let received = 0;
  const watch = (socket: Socket) => {
    socket.on('error', () => {});
    return socket.on('data', (piece: Buffer) => {
      received += piece.length;
    });
  };
  const connections = await Promise.all(Array.from({length: idle}, async () => watch(await rig.attach(target))));
  const halves = Array.from({length: Math.ceil(busy / 2)});
  const talking = await Promise.all(halves.map(async () => watch(await rig.attach(talker))));
  const echoing = await Promise.all(halves.map(async () => watch(await rig.exec(target, ['cat'], true))));
  const echo = async (socket: Socket) => {
    while (!stopped.signal.aborted) {
      socket.write('x'.repeat(10_000));
      await once(socket, 'data');
      await sleep(20);
    }
  };
  const work = Promise.all(echoing.map(echo));
  const looks: ReturnType<typeof look>[] = [];
  for (let second = 0; second < seconds; second += 1) {
    connections.shift()?.destroy();
    connections.push(watch(await rig.attach(target)));
    await sleep(1000);
    looks.push(look(rig.pid));
  }
  stopped.abort();
  await work;
  const running = await rig.countRunning();
  for (const socket of [...connections, ...talking, ...echoing]) socket.destroy();
  await waitFor(() => look(rig.pid).files <= before.files + 2).catch(() => {});
  const [warm, most, end] = [looks[WARM_UP_SECONDS], Math.max(...looks.map(({rss}) => rss)), look(rig.pid)];
  const isGood = running === 2 && end.files <= before.files + 2 && most <= (warm?.rss ?? most) * GROWTH;
  report({name: 'crowd', ...{idle, busy, seconds, received, running, before, warm, most, end}}, isGood);
}

/** Reads slowly until all has come, and looks at the memory of the server. */
async function sip(rig: Rig, name: string, open: () => Promise<NodeJS.ReadableStream>): Promise<void> {
  const before = look(rig.pid);
  const began = performance.now();
  let [received, sip, most] = [0, 0, before.rss];
  for await (const piece of await open()) {
    received += piece.length;
    sip += piece.length;
    if (sip < GULP_BYTES) continue;
    sip = 0;
    most = Math.max(most, look(rig.pid).rss);
    await sleep(PAUSE_MS);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  const isGood = received >= Number(values.bytes) && most <= before.rss * GROWTH + 64;
  report({name, received, seconds, before: before.rss, most, end: look(rig.pid).rss}, isGood);
}

async function sipAll(rig: Rig): Promise<void> {
  const target = await rig.start('sleep 100000');
  const pour = `head -c ${values.bytes} /dev/zero`;
  await sip(rig, 'slow exec', () => rig.exec(target, ['sh', '-c', pour], false));
  const talker = await rig.start(`sleep 2; ${pour}`);
  await sip(rig, 'slow attach', () => rig.attach(talker));
  const {request} = await import('node:http');
  await sip(rig, 'slow logs', async () => {
    const asked = request({
      socketPath: rig.socketPath,
      path: `/containers/${talker}/logs?stdout=1&follow=1`,
      agent: false,
    });
    asked.end();
    const [response] = await once(asked, 'response');
    return response;
  });
}

using winch = makeWinch();
await using rig = await openRig(winch);
await crowd(rig);
await sipAll(rig);
