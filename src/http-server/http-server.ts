import {createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import {createServer as createTlsServer} from 'node:https';
import type {Socket} from 'node:net';
import type {Duplex} from 'node:stream';
import {isSystemError, WinchError} from '../errors.ts';
import {type Listening, listen, tlsAt} from './listen.ts';
import type {ListenPlace, MutualTls} from './listen-place.ts';

/** What answers at some places. */
export interface HttpService {
  readonly places: readonly ListenPlace[];
  /** @param ending Aborted when the server ends before the answer. */
  onRequest(request: IncomingMessage, response: ServerResponse, ending: AbortSignal): void;
  /** Absent: a request to leave HTTP is one like others. */
  onUpgrade?(upgrade: Upgrade, ending: AbortSignal): void;
}

/** A request to leave HTTP. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly connection: Duplex;
  /** What came behind the request. */
  readonly head: Buffer;
}

export interface HttpLimits {
  /** For all headers of a request, from the first byte of a connection on. */
  readonly headersTimeoutMs: number;
  /** Of each place. */
  readonly mostConnections: number;
}

export interface HttpServerOptions {
  readonly services: readonly HttpService[];
  /** Ends the server when nobody has been connected for so long; null: never. */
  readonly idleTimeoutMs: number | null;
  readonly limits?: Partial<HttpLimits> | undefined;
}

export interface HttpServer {
  /** Where it listens: see `Listening`. */
  readonly addresses: readonly string[];
  /** Resolves when the server has ended and its sockets are gone. */
  readonly closed: Promise<void>;
  /** Takes no more requests, and ends those that are running after a grace of some seconds. */
  close(): void;
}

/** Requests that take no more than a look or a tar have ended by then. */
const GRACE_MS = 5000;
const HEADER_BYTES = 64 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const DEFAULT_LIMITS: HttpLimits = Object.freeze({headersTimeoutMs: 60_000, mostConnections: 4096});
/** Between two requests of a client; one that asks again at the moment of the end gets no answer, so it is long. */
const PAUSE_MS = 5 * 60_000;
/** After which the kernel asks whether the other machine is still there. */
const SILENCE_MS = 60_000;

/**
 * Serves HTTP at all places of all services, or at none.
 *
 * @throws {WinchError} `SOCKET_IN_USE` | `SOCKET_UNUSABLE` | `ADDRESS_UNUSABLE` | `TLS_REQUIRED` | `CERTIFICATE_INVALID`
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const {services, idleTimeoutMs} = options;
  const ending = new AbortController();
  const connections = new Set<Socket>();
  const doors: Door[] = [];
  try {
    for (const service of services) {
      for (const place of service.places) {
        const server = createServer(service, place, {options, ending: ending.signal});
        keepTrack(server, connections);
        doors.push(await openDoor(server, place));
      }
    }
  } catch (error) {
    for (const door of doors) shut(door);
    for (const connection of connections) connection.destroy();
    throw error;
  }
  const closed = Promise.all(doors.map(({gone}) => gone)).then(() => {});
  const close = () => {
    if (!doors.map(shut).includes(true)) return;
    const grace = setTimeout(() => {
      ending.abort(new WinchError('SERVER_ENDED', 'the server ends', {kind: 'interrupted'}));
      for (const connection of connections) connection.destroy();
    }, GRACE_MS);
    void closed.then(() => clearTimeout(grace));
  };
  if (idleTimeoutMs !== null) closeWhenIdle(doors, {connections, idleTimeoutMs, close});
  return {addresses: doors.map(({listening}) => listening.address), closed, close};
}

interface Door {
  readonly server: Server;
  readonly listening: Listening;
  readonly gone: Promise<void>;
}

async function openDoor(server: Server, place: ListenPlace): Promise<Door> {
  const listening = await listen(server, place);
  const gone = new Promise<void>((resolve) => server.once('close', resolve));
  return {server, listening, gone};
}

/** @returns whether it was open. */
function shut({server, listening}: Door): boolean {
  if (!server.listening) return false;
  listening.remove();
  server.close();
  return true;
}

interface Serving {
  readonly options: HttpServerOptions;
  readonly ending: AbortSignal;
}

function createServer(service: HttpService, place: ListenPlace, {options, ending}: Serving): Server {
  const {headersTimeoutMs, mostConnections} = {...DEFAULT_LIMITS, ...options.limits};
  const settings = {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: headersTimeoutMs,
    // An archive takes as long as it takes.
    requestTimeout: 0,
    keepAliveTimeout: PAUSE_MS,
    connectionsCheckingInterval: Math.ceil(headersTimeoutMs / 4),
    keepAlive: true,
    keepAliveInitialDelay: SILENCE_MS,
  };
  const tls = tlsAt(place);
  const server = tls === null ? createPlainServer(settings) : createSecureServer(tls, settings);
  server.maxConnections = mostConnections;
  server.on('request', (request, response) => service.onRequest(request, response, ending));
  if (service.onUpgrade) {
    server.on('upgrade', (request, connection, head) => service.onUpgrade?.({request, connection, head}, ending));
  }
  return server;
}

function createSecureServer({authorities, certificate, key}: MutualTls, settings: object): Server {
  try {
    return createTlsServer({
      ...settings,
      ...{ca: authorities, cert: certificate, key},
      ...{requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS},
      // Without it the end of a client's input would be the end of the connection, as it is not on a unix socket.
      ...{allowHalfOpen: true},
    });
  } catch (error) {
    if (!(error instanceof Error) || isSystemError(error)) throw error;
    throw new WinchError('CERTIFICATE_INVALID', `the certificates of the server cannot be used: ${error.message}`, {
      kind: 'invalid',
      hint: 'give an authority, a certificate and its key as PEM',
    });
  }
}

function keepTrack(server: Server, connections: Set<Socket>): void {
  server.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
}

interface Idleness {
  readonly connections: ReadonlySet<Socket>;
  readonly idleTimeoutMs: number;
  close(): void;
}

function closeWhenIdle(doors: readonly Door[], {connections, idleTimeoutMs, close}: Idleness): void {
  let timer = setTimeout(close, idleTimeoutMs);
  for (const {server} of doors) {
    server.on('connection', (connection: Socket) => {
      clearTimeout(timer);
      connection.once('close', () => {
        clearTimeout(timer);
        if (connections.size === 0) timer = setTimeout(close, idleTimeoutMs);
      });
    });
    server.once('close', () => clearTimeout(timer));
  }
}
