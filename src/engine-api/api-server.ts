import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import {WinchError} from '../errors.ts';
import {answerUpgrade} from './answer-upgrade.ts';
import type {ApiContext} from './api-request.ts';
import {createFindRoute, type FindRoute, NEWEST_VERSION} from './find-route.ts';
import {listenOnSocket, type SocketPlace} from './listen-on-socket.ts';
import {readRequest} from './read-request.ts';
import {ROUTES} from './routes.ts';
import {sendError, sendReply} from './send-reply.ts';

export interface ApiServerOptions {
  readonly context: ApiContext;
  readonly socket: SocketPlace;
  /** Ends the server when nobody has been connected for so long; null: never. */
  readonly idleTimeoutMs: number | null;
  /** Told what went wrong inside of a request that winch has no message for. */
  readonly onBug: (error: unknown) => void;
}

export interface ApiServer {
  /** Resolves when the server has ended and its socket is gone. */
  readonly closed: Promise<void>;
  /** Takes no more requests, and ends those that are running after a grace of some seconds. */
  close(): void;
}

/** Requests that take no more than a look or a tar have ended by then. */
const GRACE_MS = 5000;
const HEADER_BYTES = 64 * 1024;

/**
 * Serves the Engine API (https://docs.docker.com/reference/api/engine/) on a unix socket.
 *
 * @throws {WinchError} `SOCKET_IN_USE` | `SOCKET_UNUSABLE`
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const ending = new AbortController();
  const findRoute = createFindRoute(ROUTES);
  const server = createServer({maxHeaderSize: HEADER_BYTES, requestTimeout: 0}, (request, response) => {
    void answer({...options, findRoute, ending: ending.signal}, request, response);
  });
  server.on('upgrade', (request, connection, head) => {
    void answerUpgrade({...options, findRoute, ending: ending.signal}, {request, connection, head});
  });
  const removeSocket = await listenOnSocket(server, options.socket);
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  const close = () => {
    if (!server.listening) return;
    removeSocket();
    server.close();
    setTimeout(() => {
      ending.abort(new WinchError('SERVER_ENDED', 'the server ends', {kind: 'interrupted'}));
      server.closeAllConnections();
    }, GRACE_MS).unref();
  };
  if (options.idleTimeoutMs !== null) closeWhenIdle(server, options.idleTimeoutMs, close);
  return {closed, close};
}

function closeWhenIdle(server: Server, idleTimeoutMs: number, close: () => void): void {
  let connections = 0;
  let timer = setTimeout(close, idleTimeoutMs);
  server.on('connection', (socket) => {
    connections += 1;
    clearTimeout(timer);
    socket.once('close', () => {
      connections -= 1;
      if (connections === 0) timer = setTimeout(close, idleTimeoutMs);
    });
  });
  server.once('close', () => clearTimeout(timer));
}

interface Answering extends Pick<ApiServerOptions, 'context' | 'onBug'> {
  readonly findRoute: FindRoute;
  readonly ending: AbortSignal;
}

async function answer(answering: Answering, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new WinchError('CLIENT_GONE', 'the client is gone', {kind: 'interrupted'})));
  response.setHeader('Api-Version', NEWEST_VERSION);
  response.setHeader('Server', `winch/${answering.context.version} (linux)`);
  try {
    const signal = AbortSignal.any([gone.signal, answering.ending]);
    await sendReply(response, await findReply(answering, request, signal));
  } catch (error) {
    if (!(error instanceof WinchError) && !gone.signal.aborted) answering.onBug(error);
    sendError(response, error);
  }
}

async function findReply({context, findRoute}: Answering, request: IncomingMessage, signal: AbortSignal) {
  const {route, asked} = readRequest(findRoute, request, signal);
  return (await route.load())(context, asked);
}
