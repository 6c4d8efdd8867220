import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {TokenServer} from '../../fixtures/token-server.ts';
import {findProgram} from './requires.ts';
import {makeTemporaryDirectory} from './temporary-directory.ts';

const START_ATTEMPTS = 200;
const ATTEMPT_PAUSE_MS = 25;

export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`, as it stands in a reference. */
  readonly host: string;
}

export interface DockerRegistryOptions {
  /** Whether manifests and blobs can be deleted. Default: false, as the registry's own. */
  readonly deletes?: boolean;
  /** Asks for {@link HTPASSWD_LOGIN} by Basic. */
  readonly htpasswd?: boolean;
  /** Asks for tokens of this server. */
  readonly tokenServer?: Pick<TokenServer, 'realm' | 'service' | 'issuer' | 'certificate'>;
  /** Serves HTTPS with this key and certificate (PEM); with `ca`, only to clients that show one of that authority. */
  readonly tls?: {readonly key: string; readonly cert: string; readonly ca?: string};
  /** Fetches what it lacks from the registry at this URL, and takes nothing else in. */
  readonly proxyOf?: string;
}

/** The one user of a registry with `htpasswd`. */
export const HTPASSWD_LOGIN = Object.freeze({username: 'tester', password: 'winch-test-password'});
/** bcrypt, the only form that docker-registry takes. */
const HTPASSWD_LINE = 'tester:$2y$05$abcdefghijklmnopqrstuuSl4yl4bjHsjoOiYX87dhu6bIRqAnFci';

/** Starts Debian's docker-registry, the reference implementation, on a free loopback port with an empty store. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const directory = makeTemporaryDirectory();
  const host = `127.0.0.1:${await findFreePort()}`;
  const config = join(directory.path, 'config.yml');
  // YAML reads JSON.
  const settings = {
    version: 0.1,
    storage: {filesystem: {rootdirectory: join(directory.path, 'data')}, delete: {enabled: options.deletes === true}},
    http: {addr: host, ...tlsOf(options, directory.path)},
    ...(options.proxyOf !== undefined && {proxy: {remoteurl: options.proxyOf}}),
    ...authOf(options, directory.path),
    log: {level: 'error', accesslog: {disabled: true}},
  };
  writeFileSync(config, JSON.stringify(settings));
  const child = spawn(findProgram('docker-registry') ?? 'docker-registry', ['serve', config], {stdio: 'ignore'});
  const dispose = async () => {
    await end(child);
    directory[Symbol.dispose]();
  };
  try {
    await waitForAnswer(`${options.tls ? 'https' : 'http'}://${host}`, child);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {host, [Symbol.asyncDispose]: dispose};
}

function tlsOf({tls}: DockerRegistryOptions, directory: string): object {
  if (!tls) return {};
  const place = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const {ca} = tls;
  const clients = ca === undefined ? {} : {clientcas: [place('clients.crt', ca)]};
  return {tls: {certificate: place('tls.crt', tls.cert), key: place('tls.key', tls.key), ...clients}};
}

/** @see distribution docs/content/about/configuration.md#auth */
function authOf({htpasswd, tokenServer}: DockerRegistryOptions, directory: string): object {
  if (htpasswd) {
    const path = join(directory, 'htpasswd');
    writeFileSync(path, `${HTPASSWD_LINE}\n`);
    return {auth: {htpasswd: {realm: 'winch', path}}};
  }
  if (!tokenServer) return {};
  const {realm, service, issuer, certificate} = tokenServer;
  const rootcertbundle = join(directory, 'token.pem');
  writeFileSync(rootcertbundle, certificate);
  return {auth: {token: {realm, service, issuer, rootcertbundle}}};
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function waitForAnswer(origin: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < START_ATTEMPTS && child.exitCode === null; attempt += 1) {
    if (await isAnswering(new URL(origin))) return;
    await sleep(ATTEMPT_PAUSE_MS);
  }
  throw new Error(`docker-registry does not answer at ${origin} (exit code ${child.exitCode})`);
}

/** With TLS, whether anybody listens: the test has the certificates. */
async function isAnswering({href, protocol, hostname, port}: URL): Promise<boolean> {
  if (protocol === 'http:') return (await fetch(`${href}v2/`).catch(() => null))?.status !== undefined;
  const socket = connect(Number(port), hostname);
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
