import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdir, writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {CommandFailure, NotInstalled, readOutput, timeCommand} from './command.ts';
import type {BuiltImages} from './images/recipes.ts';

/** A registry in a process of its own that serves every built image as `HOST/bench/NAME:1`. */
export interface Registry extends AsyncDisposable {
  readonly host: string;
  /** Which one it is, for the report. */
  readonly kind: string;
}

const START_MS = 15_000;
const POLL_MS = 50;
const LOG_CHARACTERS = 500;
const EMBEDDED = join(import.meta.dirname, 'embedded-registry.ts');

/** The reference under which an image is served. */
export const servedReference = (host: string, name: string): string => `${host}/${repositoryOf(name)}:1`;

/** The repository of an image. */
export const repositoryOf = (name: string): string => `bench/${name}`;

/**
 * Serves the images on a free loopback port: from docker-registry, filled by skopeo, where both are installed; otherwise
 * from the registry of the tests.
 */
export async function serveImages(built: BuiltImages, signal: AbortSignal): Promise<Registry> {
  try {
    await readOutput(['skopeo', '--version'], signal);
    const version = await readOutput(['docker-registry', '--version'], signal);
    return await serveFromDisk(built, version.trim(), signal);
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error;
    return serveFromMemory(built, signal);
  }
}

/** Serves the images from the registry of the tests, in a process of its own. */
export async function serveFromMemory({layout}: BuiltImages, signal: AbortSignal): Promise<Registry> {
  const host = `127.0.0.1:${await freePort()}`;
  return startServer({words: [process.execPath, EMBEDDED, host, layout], host, kind: 'of the tests'}, signal);
}

async function serveFromDisk(built: BuiltImages, kind: string, signal: AbortSignal): Promise<Registry> {
  const host = `127.0.0.1:${await freePort()}`;
  const words = ['docker-registry', 'serve', await configure(built.directory, host)];
  const registry = await startServer({words, host, kind}, signal);
  try {
    for (const [name, {manifestDigest: digest}] of built.images) {
      await push({host, layout: built.layout, name, digest}, signal);
    }
    return registry;
  } catch (error) {
    await registry[Symbol.asyncDispose]();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** What was pushed stays beside the layout for the next time. */
async function configure(directory: string, host: string): Promise<string> {
  const storage = join(directory, 'registry');
  await mkdir(storage, {recursive: true});
  const path = join(directory, 'registry.json');
  const document = {
    version: '0.1',
    storage: {filesystem: {rootdirectory: storage}},
    http: {addr: host},
    log: {level: 'error', accesslog: {disabled: true}},
  };
  await writeFile(path, JSON.stringify(document));
  return path;
}

interface Server {
  readonly words: readonly string[];
  readonly host: string;
  readonly kind: string;
}

async function startServer({words, host, kind}: Server, signal: AbortSignal): Promise<Registry> {
  const [file = '', ...args] = words;
  const child = spawn(file, args, {stdio: ['ignore', 'ignore', 'pipe']});
  const readLog = keepLog(child);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  try {
    await waitUntilReady(child, host, signal);
  } catch (error) {
    await stop();
    throw error instanceof CommandFailure ? new CommandFailure(`${error.message}: ${readLog()}`) : error;
  }
  return {host, kind, [Symbol.asyncDispose]: stop};
}

/** Every pull of a thing that is not there yet is an error in its log: shown only when it fails to start. */
function keepLog(child: ChildProcess): () => string {
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-LOG_CHARACTERS);
  });
  return () => log.trim();
}

async function waitUntilReady(child: ChildProcess, host: string, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + START_MS; performance.now() < end; ) {
    if (child.exitCode !== null) throw new CommandFailure(`the registry ended with ${child.exitCode}`);
    const isReady = await fetch(`http://${host}/v2/`, {signal}).then(
      ({ok}) => ok,
      () => false,
    );
    if (isReady) return;
    await delay(POLL_MS, undefined, {signal});
  }
  throw new CommandFailure(`no registry on ${host} after ${START_MS} ms`);
}

interface Push {
  readonly host: string;
  readonly layout: string;
  readonly name: string;
  readonly digest: string;
}

async function push({host, layout, name, digest}: Push, signal: AbortSignal): Promise<void> {
  const url = `http://${host}/v2/${repositoryOf(name)}/manifests/1`;
  const headers = {accept: 'application/vnd.oci.image.manifest.v1+json'};
  const present = await fetch(url, {method: 'HEAD', headers, signal});
  if (present.ok && present.headers.get('docker-content-digest') === digest) return;
  const [source, target] = [`oci:${layout}:${name}`, `docker://${servedReference(host, name)}`];
  await timeCommand(['skopeo', 'copy', '-q', '--dest-tls-verify=false', source, target], {signal});
}
