// node bench/resilience.ts [kills|chain|together|limits|speed|ranges …] [--seed N] [--winch PATH]: what a bad day costs a pull. Prints JSON lines.
import {type ChildProcess, spawn} from 'node:child_process';
import {createCipheriv} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, statSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {type BuiltImage, buildImage} from '../fixtures/build-image.ts';
import {buildTar} from '../fixtures/build-tar.ts';
import {type Fault, type RegistryServer, startRegistry} from '../fixtures/registry-server.ts';
import {digestOf} from '../src/oci/digest.ts';
import {openRegistryClient} from '../src/registry/client.ts';
import {createRandom, type Random} from './images/random.ts';

const MB = 1_000_000;
const KILLS = 50;
const PULLERS = 16;
/** As a fast line: about 20 MB/s for each connection. What a killed process had not read yet is lost. */
const LINE: Fault = {on: 'blob', slow: {bytes: 65_536, pauseMs: 3}};

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    seed: {type: 'string', default: '1'},
    winch: {type: 'string', default: join(import.meta.dirname, '../bin/winch.js')},
  },
});
const random = createRandom(Number(values.seed));

interface Bench {
  readonly registry: RegistryServer;
  readonly image: BuiltImage;
  readonly imageBytes: number;
  readonly reference: string;
  readonly random: Random;
}

const SCENARIOS: Readonly<Record<string, (bench: Bench) => Promise<object>>> = {
  kills,
  chain,
  together,
  limits,
  speed,
  ranges,
};

/** Each round: a pull is killed at any moment, the next one has to finish it. */
async function kills({registry, imageBytes, reference, image}: Bench): Promise<object> {
  registry.setFaults([LINE]);
  const wholeMs = await timePull(reference);
  const ratios: number[] = [];
  let interrupted = 0;
  let early = 0;
  for (let round = 0; round < KILLS; round += 1) {
    await using store = await openStore();
    const before = registry.requests.length;
    const killed = startPull(store.root, reference);
    await sleep(random.next() * wholeMs * 1.1);
    killed.kill('SIGKILL');
    if ((await exitOf(killed)).signal === 'SIGKILL') interrupted += 1;
    const listed = await finish(startWinch(store.root, ['images', '-q']));
    if (listed.stdout !== '' && !hasAllBlobs(store.root, image)) early += 1;
    const next = await finish(startPull(store.root, reference));
    if (next.exitCode !== 0) throw new Error(`round ${round}: ${next.stderr}`);
    ratios.push(bytesSince(registry, before) / imageBytes);
  }
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / KILLS;
  return {
    rounds: KILLS,
    interrupted,
    wholeMs,
    tagsBeforeBytes: early,
    meanRatio: mean,
    worstRatio: Math.max(...ratios),
  };
}

/** One pull that is killed again and again until it gets through. */
async function chain({registry, imageBytes, reference, image}: Bench): Promise<object> {
  registry.setFaults([{...LINE, slow: {bytes: 16_384, pauseMs: 3}}]);
  await using store = await openStore();
  const before = registry.requests.length;
  let early = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const pull = startPull(store.root, reference);
    await sleep(150 + random.next() * 350);
    pull.kill('SIGKILL');
    await exitOf(pull);
    const listed = await finish(startWinch(store.root, ['images', '-q']));
    if (listed.stdout !== '' && !hasAllBlobs(store.root, image)) early += 1;
  }
  const receivedByKilled = bytesSince(registry, before) / imageBytes;
  const last = await finish(startPull(store.root, reference));
  const ratio = bytesSince(registry, before) / imageBytes;
  return {kills: KILLS, exitCode: last.exitCode, tagsBeforeBytes: early, receivedByKilled, ratio};
}

/** Each blob is asked for once, and all end hardly later than one alone would. */
async function together(bench: Bench): Promise<object> {
  bench.registry.setFaults([LINE]);
  return {
    aloneMs: await timePull(bench.reference),
    undisturbed: await pullTogether(bench, false),
    leaderKilled: await pullTogether(bench, true),
  };
}

async function pullTogether({registry, image, imageBytes, reference}: Bench, isLeaderKilled: boolean) {
  registry.setFaults([LINE]);
  await using store = await openStore();
  const [before, start] = [registry.requests.length, performance.now()];
  const leader = startPull(store.root, reference);
  while (isLeaderKilled && bytesOnTheWay(store.root, image) === 0) await sleep(5);
  const others = Array.from({length: PULLERS - 1}, () => startPull(store.root, reference));
  const endings = Promise.all(others.map(finish));
  while (isLeaderKilled && bytesOnTheWay(store.root, image) < imageBytes / 3) await sleep(5);
  if (isLeaderKilled) leader.kill('SIGKILL');
  const {exitCode: leaderExit} = await exitOf(leader);
  const exits = (await endings).map(({exitCode}) => exitCode);
  const wallMs = performance.now() - start;
  const requests = registry.requests.slice(before);
  const gets = (digest: string) => requests.filter(({url, method}) => method === 'GET' && url.endsWith(digest)).length;
  return {
    wallMs,
    exits: [leaderExit, ...exits],
    getsPerLayer: image.layers.map(({digest}) => gets(digest)),
    getsOfConfig: gets(image.config.digest),
    getsOfManifest: requests.filter((request) => request.class === 'manifest').length,
    ratio: bytesSince(registry, before) / imageBytes,
  };
}

/** Every third request is refused, whatever it is. */
async function limits({registry}: Bench): Promise<object> {
  const layers = Array.from({length: 12}, (_, index) =>
    buildTar([{path: `file-${index}`, content: noise(100_000, index)}]),
  );
  registry.put('limited', '1', buildImage({layers}));
  registry.setFaults([{on: 'any', every: 3, status: 429, headers: {'retry-after': '3'}, body: ''}]);
  await using store = await openStore();
  const before = registry.requests.length;
  const start = performance.now();
  const pull = await finish(startPull(store.root, `${registry.host}/limited:1`));
  const seconds = (performance.now() - start) / 1000;
  const requests = registry.requests.slice(before);
  const refusals = requests.filter(({status}) => status === 429);
  const during = requests.flatMap(({at}) => {
    const since = refusals
      .map((refusal) => at - refusal.at)
      .filter((milliseconds) => milliseconds > 0 && milliseconds < 2990);
    return since.length > 0 ? [Math.round(Math.min(...since))] : [];
  });
  const lines = pull.stderr.split('\n').filter((line) => line.includes('asks for a pause'));
  return {
    exitCode: pull.exitCode,
    seconds,
    requests: requests.length,
    refusals: refusals.length,
    msIntoPause: during,
    lines,
  };
}

async function speed({registry, reference, imageBytes}: Bench): Promise<object> {
  registry.setFaults([]);
  const times: number[] = [];
  for (let run = 0; run < 7; run += 1)
    times.push(await timePull(reference, ['--download-only', '--durability', 'fast']));
  const sorted = times.toSorted((a, b) => a - b);
  return {imageBytes, medianMs: sorted[3], fastestMs: sorted[0], slowestMs: sorted[6]};
}

/** One large blob over connections that are slow each, and over a fast one; alone and as a client does by itself. */
async function ranges({registry}: Bench): Promise<object> {
  const bytes = noise(400 * MB, 7);
  const blob = {mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length};
  registry.putBlob('large', bytes);
  const fetch = async (leastBytes: number | null) => {
    const options = {credentials: async () => null, insecureRegistries: [], userAgent: 'winch/bench'};
    await using client = openRegistryClient({...options, ...(leastBytes !== null && {ranges: {leastBytes}})});
    const [start, first] = [performance.now(), registry.requests.length];
    for await (const _ of await client.openBlob({registry: registry.host, repository: 'large'}, blob));
    return {ms: Math.round(performance.now() - start), requests: registry.requests.length - first};
  };
  registry.setFaults([LINE]);
  const slow = {alone: await fetch(Number.POSITIVE_INFINITY), byItself: await fetch(null)};
  registry.setFaults([]);
  return {bytes: bytes.length, slow, fast: {alone: await fetch(Number.POSITIVE_INFINITY), byItself: await fetch(null)}};
}

async function timePull(reference: string, words: readonly string[] = []): Promise<number> {
  await using store = await openStore();
  const start = performance.now();
  const {exitCode, stderr} = await finish(startPull(store.root, reference, words));
  if (exitCode !== 0) throw new Error(stderr);
  return performance.now() - start;
}

async function openStore() {
  const directory = await mkdtemp(join(tmpdir(), 'winch-resilience-'));
  const dispose = () => rm(directory, {recursive: true, force: true});
  return {root: join(directory, 'store'), [Symbol.asyncDispose]: dispose};
}

const startPull = (root: string, reference: string, words: readonly string[] = []): ChildProcess =>
  startWinch(root, ['pull', ...words, reference]);

const startWinch = (root: string, words: readonly string[]): ChildProcess =>
  spawn(process.execPath, [values.winch, ...words], {stdio: 'pipe', env: {...process.env, WINCH_ROOT: root}});

async function finish(child: ChildProcess) {
  const pieces = {stdout: [] as Buffer[], stderr: [] as Buffer[]};
  child.stdout?.on('data', (piece: Buffer) => pieces.stdout.push(piece));
  child.stderr?.on('data', (piece: Buffer) => pieces.stderr.push(piece));
  const exit = await exitOf(child);
  return {...exit, stdout: Buffer.concat(pieces.stdout).toString(), stderr: Buffer.concat(pieces.stderr).toString()};
}

async function exitOf(child: ChildProcess) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return {exitCode: child.exitCode, signal: child.signalCode};
}

const bytesSince = (registry: RegistryServer, first: number): number =>
  registry.requests
    .slice(first)
    .filter((request) => request.class === 'blob')
    .reduce((sum, {bytes}) => sum + bytes, 0);

const hasAllBlobs = (root: string, image: BuiltImage): boolean =>
  image.layers.every(({digest, bytes}) => sizeOf(join(root, 'blobs', digest.replace(':', '/'))) === bytes.length);

const bytesOnTheWay = (root: string, image: BuiltImage): number =>
  image.layers.reduce((sum, {digest}) => {
    const places = [
      join(root, 'ingest', `blob-${digest.replace(':', '-')}`),
      join(root, 'blobs', digest.replace(':', '/')),
    ];
    return sum + Math.max(...places.map(sizeOf));
  }, 0);

const sizeOf = (path: string): number => (existsSync(path) ? (statSync(path, {throwIfNoEntry: false})?.size ?? 0) : 0);

/** Bytes that no compression shortens, the same for each seed. */
function noise(length: number, seed: number): Buffer {
  const key = Buffer.alloc(16, seed + 1);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

const layers = [90 * MB, 40 * MB, 20 * MB].map((bytes, index) =>
  buildTar([{path: `data-${index}`, content: noise(bytes, index)}]),
);
const image = buildImage({layers, compression: 'none'});
await using registry = await startRegistry();
registry.put('app', '1', image);
const imageBytes = image.layers.reduce((sum, {bytes}) => sum + bytes.length, 0);
const bench: Bench = {registry, image, imageBytes, reference: `${registry.host}/app:1`, random};
for (const name of positionals.length > 0 ? positionals : Object.keys(SCENARIOS)) {
  const result = await SCENARIOS[name]?.(bench);
  process.stdout.write(`${JSON.stringify({scenario: name, seed: values.seed, node: process.version, ...result})}\n`);
}
