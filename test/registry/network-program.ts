// Runs in a network namespace of its own, in a role that its first argument names; prints one line of JSON.
import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';
import {isWinchError, type WinchError} from '../../src/errors.ts';
import {createDigester, digestOf} from '../../src/oci/digest.ts';
import {openRegistryClient} from '../../src/registry/client.ts';
import {openTransport} from '../../src/registry/transport.ts';

const [role = '', directory = ''] = process.argv.slice(2);
const PORT = 5000;
const ADDRESS = '10.79.0.1';
const PIECE = Buffer.alloc(1_048_576, 7);
const PIECES = 16;
const CUT_AT_BYTES = 4 * PIECE.length;
const OUTAGE_MS = 3000;

const ip = (...words: readonly string[]): void =>
  void execFileSync('ip', words, {stdio: ['ignore', 'ignore', 'inherit']});

/** Connects to names of which one address works; the other ones swallow every packet. */
async function tryNames(): Promise<void> {
  ip('link', 'set', 'lo', 'up');
  ip('address', 'add', '10.77.0.1/32', 'dev', 'lo');
  ip('link', 'add', 'hole', 'type', 'veth', 'peer', 'name', 'depth');
  ip('link', 'set', 'hole', 'up');
  ip('link', 'set', 'depth', 'up');
  ip('address', 'add', '10.78.0.2/24', 'dev', 'hole');
  ip('address', 'add', 'fd78::2/64', 'dev', 'hole', 'nodad');
  // Packets to neighbours that are known but are not there vanish.
  for (const address of ['10.78.0.1', 'fd78::1']) {
    ip('neighbour', 'add', address, 'lladdr', '02:00:00:00:00:01', 'dev', 'hole');
  }
  const hosts = ['10.78.0.1 half.test', '10.77.0.1 half.test', 'fd78::1 six.test', '10.77.0.1 six.test'];
  writeFileSync(join(directory, 'hosts'), `${hosts.join('\n')}\n10.78.0.1 hole.test\n`);
  execFileSync('mount', ['--bind', join(directory, 'hosts'), '/etc/hosts']);
  const server = createServer((_, response) => response.end('{}')).listen(PORT, '10.77.0.1');
  await once(server, 'listening');
  const transport = openTransport({userAgent: 'x', timeouts: {connectMs: 3000}});
  const outcomes: Record<string, unknown> = {};
  for (const host of ['half.test', 'six.test', 'hole.test']) {
    const reply = transport.send({url: new URL(`http://${host}:${PORT}/v2/`)});
    outcomes[host] = await reply.then(({status}) => status).catch((error: WinchError) => error.message);
  }
  transport.close();
  server.close();
  process.stdout.write(`${JSON.stringify(outcomes)}\n`);
}

/** Serves a blob, slowly, to a client in another namespace whose link goes down for a while. */
async function serveThroughOutage(): Promise<void> {
  const ranges: string[] = [];
  const server = createServer(async (request, response) => {
    if (!request.url?.includes('/blobs/')) return void response.end('{}');
    const size = PIECE.length * PIECES;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    ranges.push(request.headers.range ?? '');
    const contentRange = {'content-range': `bytes ${start}-${size - 1}/${size}`};
    response.on('error', () => {});
    response.writeHead(start > 0 ? 206 : 200, {'content-length': size - start, ...(start > 0 && contentRange)});
    for (let left = size - start; left > 0 && !response.destroyed; left -= PIECE.length) {
      if (!response.write(PIECE.subarray(0, Math.min(left, PIECE.length))))
        await once(response, 'drain').catch(() => {});
      await sleep(50);
    }
    response.end();
  });
  const client = spawn('unshare', ['--net', process.execPath, import.meta.filename, 'client'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({input: client.stdout})[Symbol.asyncIterator]();
  await lines.next();
  ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', String(client.pid));
  ip('address', 'add', `${ADDRESS}/24`, 'dev', 'near');
  ip('link', 'set', 'near', 'up');
  await listen(server);
  client.stdin.end('go\n');
  const {value} = await lines.next();
  server.closeAllConnections();
  server.close();
  process.stdout.write(`${JSON.stringify({...JSON.parse(String(value)), ranges})}\n`);
}

async function listen(server: Server): Promise<void> {
  server.listen(PORT, ADDRESS);
  await once(server, 'listening');
}

async function pullThroughOutage(): Promise<void> {
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  ip('address', 'add', '10.79.0.2/24', 'dev', 'far');
  ip('link', 'set', 'far', 'up');
  const whole = Buffer.alloc(PIECE.length * PIECES, 7);
  const descriptor = {mediaType: 'application/octet-stream', digest: digestOf(whole), size: whole.length};
  const registry = `${ADDRESS}:${PORT}`;
  await using opened = openRegistryClient({
    credentials: async () => null,
    insecureRegistries: [registry],
    userAgent: 'x',
    timeouts: {connectMs: 1000, stallMs: 1000},
  });
  const digester = createDigester('sha256');
  let received = 0;
  let restored: Promise<void> | null = null;
  try {
    for await (const chunk of await opened.openBlob({registry, repository: 'app'}, descriptor)) {
      digester.update(chunk);
      received += chunk.length;
      if (received > CUT_AT_BYTES) restored ??= cutLink();
    }
    await restored;
    process.stdout.write(`${JSON.stringify({isWhole: digester.digest() === descriptor.digest})}\n`);
  } catch (error) {
    if (!isWinchError(error)) throw error;
    process.stdout.write(`${JSON.stringify({error: error.message})}\n`);
  }
}

async function cutLink(): Promise<void> {
  ip('link', 'set', 'far', 'down');
  await sleep(OUTAGE_MS);
  ip('link', 'set', 'far', 'up');
}

const ROLES: Readonly<Record<string, () => Promise<void>>> = {
  names: tryNames,
  outage: serveThroughOutage,
  client: pullThroughOutage,
};

await ROLES[role]?.();
