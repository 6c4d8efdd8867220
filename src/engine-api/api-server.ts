import type {IncomingMessage, ServerResponse} from 'node:http';
import {WinchError} from '../errors.ts';
import {
  type HttpServer,
  type HttpServerOptions,
  type HttpService,
  startHttpServer,
} from '../http-server/http-server.ts';
import {tlsRequired} from '../http-server/listen.ts';
import type {ListenPlace} from '../http-server/listen-place.ts';
import {answerUpgrade} from './answer-upgrade.ts';
import type {ApiContext} from './api-request.ts';
import {createExecInstances} from './exec-instances.ts';
import {createFindRoute, type FindRoute, NEWEST_VERSION} from './find-route.ts';
import {converseBare} from './leave-http.ts';
import {createOpenStreams} from './open-streams.ts';
import {readRequest} from './read-request.ts';
import {ROUTES} from './routes.ts';
import {sendError, sendReply} from './send-reply.ts';
import {createToolkitsByLogin} from './toolkits-by-login.ts';

export interface ApiServiceOptions {
  readonly context: Omit<ApiContext, 'execs' | 'streams'>;
  readonly places: readonly ListenPlace[];
  /** Told what went wrong inside of a request that winch has no message for. */
  readonly onBug: (error: unknown) => void;
}

export type ApiServerOptions = ApiServiceOptions & Omit<HttpServerOptions, 'services'>;

/**
 * The Engine API (https://docs.docker.com/reference/api/engine/). Who may connect may do whatever this user may, so each
 * place is a unix socket, or has mutual TLS.
 *
 * @throws {WinchError} `TLS_REQUIRED`
 */
export function createApiService({places, ...options}: ApiServiceOptions): HttpService {
  for (const place of places) if (place.type === 'port' && place.tls === null) throw tlsRequired(place.host);
  const openToolkitWith = createToolkitsByLogin(options.context.openToolkitWith);
  const context = {...options.context, openToolkitWith, execs: createExecInstances(), streams: createOpenStreams()};
  const answering = {...options, context, findRoute: createFindRoute(ROUTES)};
  return {
    places,
    onRequest: (request, response, ending) => void answer({...answering, ending}, request, response),
    onUpgrade: (upgrade, ending) => void answerUpgrade({...answering, ending}, upgrade),
  };
}

/** Serves the Engine API alone. @throws {WinchError} as `startHttpServer` */
export const startApiServer = ({idleTimeoutMs, limits, ...options}: ApiServerOptions): Promise<HttpServer> =>
  startHttpServer({services: [createApiService(options)], idleTimeoutMs, limits});

interface Answering extends Pick<ApiServiceOptions, 'onBug'> {
  readonly context: ApiContext;
  readonly findRoute: FindRoute;
  readonly ending: AbortSignal;
}

async function answer(answering: Answering, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort(new WinchError('CLIENT_GONE', 'the client is gone', {kind: 'interrupted'}));
  response.once('close', leave);
  response.setHeader('Api-Version', NEWEST_VERSION);
  response.setHeader('Server', `winch/${answering.context.version} (linux)`);
  try {
    const signal = AbortSignal.any([gone.signal, answering.ending]);
    const reply = await findReply(answering, request, signal);
    if (reply.type !== 'conversation') return await sendReply(response, reply);
    await converseBare(reply, {request, response, onClose: leave});
  } catch (error) {
    if (!(error instanceof WinchError) && !gone.signal.aborted) answering.onBug(error);
    sendError(response, error);
  }
}

async function findReply({context, findRoute}: Answering, request: IncomingMessage, signal: AbortSignal) {
  const {route, asked} = readRequest(findRoute, request, signal);
  return (await (route.loadHijack ? route.loadHijack() : route.load()))(context, asked);
}
