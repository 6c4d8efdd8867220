import type {IncomingHttpHeaders} from 'node:http';
import {Readable} from 'node:stream';
import got, {type PlainResponse, type Request, RequestError} from 'got';
import {hasErrno} from '../errors.ts';
import type {EventSink} from '../events.ts';
import {openAgents, type Route} from './agents.ts';
import {connectionError, isUnknownAuthority, proxyRefused} from './connection-errors.ts';
import type {TlsSettings} from './host-plan.ts';
import {chooseProxy, type ProxyEnvironment} from './proxies.ts';
import {drain, readBody} from './response-body.ts';
import {DEFAULT_TLS} from './tls-settings.ts';

export interface TransportTimeouts {
  /** For each of name lookup, TCP connect and TLS handshake. */
  readonly connectMs: number;
  /** From the request to the response headers. */
  readonly responseMs: number;
  /** How long a body may be waited for without {@link STALL_BYTES} of progress. */
  readonly stallMs: number;
}

export interface TransportOptions {
  readonly userAgent: string;
  /** TLS with a `host[:port]` that a request says nothing about. Default: its certificate has to verify. */
  readonly tls?: (host: string) => Promise<TlsSettings>;
  /** Default: no proxies. */
  readonly proxyEnvironment?: ProxyEnvironment;
  readonly timeouts?: Partial<TransportTimeouts>;
}

export interface TransportRequest {
  readonly url: URL;
  /** Default: `GET`. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form, with `POST`. */
  readonly form?: URLSearchParams;
  readonly body?: RequestBody;
  readonly tls?: TlsSettings;
  /**
   * Default: true. False: a failure is told at once, since whoever asks has another place to ask. `replies`: so is one
   * without a reply.
   */
  readonly mayRepeat?: boolean | 'replies';
  readonly signal?: AbortSignal | undefined;
  /** Where those who repeat or delay requests tell of it; an exchange itself tells nothing. */
  readonly onEvent?: EventSink | undefined;
}

/** What a request sends; it can be sent again. */
export interface RequestBody {
  readonly bytes: number;
  /** Default: true. False: whoever receives a part keeps it, so nobody but the sender may send it again. */
  readonly isRepeatable?: boolean;
  /** How long the answer may take once all was sent. Default: as for any request. */
  readonly answerMs?: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface TransportResponse {
  /** What was asked; its query may be a secret. */
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** `5 times over 61 s`: how often the request was repeated before it was given up with this reply. */
  readonly repeated?: string;
  /** Whether a redirect led here. */
  readonly isRedirected?: boolean;
  readonly timings?: ExchangeTimings;
  /** To be read once; leaving early, or `close`, ends the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the body up; a short one is read so that the connection can be used again. */
  discard(): Promise<void>;
  close(): void;
}

/** When each part of an exchange was over, until its first byte: milliseconds since 1970. */
export interface ExchangeTimings {
  /** Whether the connection was there before. */
  readonly isReused: boolean;
  readonly socket?: number | undefined;
  readonly lookup?: number | undefined;
  readonly connect?: number | undefined;
  readonly secureConnect?: number | undefined;
  readonly upload?: number | undefined;
  readonly response?: number | undefined;
}

/** One HTTP exchange, any status, no redirect followed, nothing retried, nothing decoded. */
export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>;
  close(): void;
}

/** Reading more costs longer than a new connection. */
const DISCARD_LIMIT_BYTES = 16_384;
const DEFAULT_TIMEOUTS: TransportTimeouts = Object.freeze({connectMs: 15_000, responseMs: 30_000, stallMs: 60_000});

/**
 * Opens the one way to the network: HTTP/1.1 with connections kept alive until `close`, through proxies where they are
 * set.
 *
 * `send` resolves with the response headers; failures of the connection, the body's included, are thrown as
 * `REGISTRY_UNREACHABLE`, `REGISTRY_UNAVAILABLE`, `TLS_FAILED`, `PROXY_FAILED` or `PROTOCOL_ERROR`.
 */
export function openTransport(options: TransportOptions): Transport {
  const agents = openAgents();
  const timeouts = {...DEFAULT_TIMEOUTS, ...options.timeouts};
  const client = createClient(options.userAgent, timeouts);
  const systemTrusted = new Set<string>();
  const attempt = async (request: TransportRequest, route: Route): Promise<TransportResponse> => {
    const {url, method = 'GET', signal} = request;
    signal?.throwIfAborted();
    const exchange = client.stream(url, {
      method,
      ...payloadOf(request, timeouts),
      agent: agents.of(url, route),
      ...(signal && {signal}),
    });
    const response = await responseOf(exchange);
    if (response.statusCode === 407 && route.proxy) {
      exchange.destroy();
      throw proxyRefused(url, route.proxy, 407);
    }
    const body = readBody(exchange, {url, signal, stallMs: timeouts.stallMs});
    const bodyBytes = method === 'HEAD' ? 0 : Number(response.headers['content-length']);
    const close = () => void exchange.destroy();
    const discard = async () => (bodyBytes <= DISCARD_LIMIT_BYTES ? await drain(body) : close());
    const timings = {...response.timings, isReused: exchange.reusedSocket === true};
    return {url, status: response.statusCode, headers: response.headers, timings, body, discard, close};
  };
  const send = async (request: TransportRequest): Promise<TransportResponse> => {
    const {url} = request;
    const {proxy} = chooseProxy(url, options.proxyEnvironment ?? {});
    const tls = request.tls ?? (await options.tls?.(url.host)) ?? DEFAULT_TLS;
    const route = {tls, proxy, trustsSystem: systemTrusted.has(url.host)};
    try {
      return await attempt(request, route).catch((error) => {
        if (isStaleConnection(error) && request.body?.isRepeatable !== false) return attempt(request, route);
        if (!isUnknownAuthority(error) || route.trustsSystem) throw error;
        systemTrusted.add(url.host);
        return attempt(request, {...route, trustsSystem: true});
      });
    } catch (error) {
      throw connectionError(error, {...request, proxy});
    }
  };
  return {send, close: () => agents.destroy()};
}

const createClient = (userAgent: string, {connectMs, responseMs}: TransportTimeouts) =>
  got.extend({
    headers: {'user-agent': userAgent, 'accept-encoding': 'identity'},
    timeout: {lookup: connectMs, connect: connectMs, secureConnect: connectMs, response: responseMs},
    decompress: false,
    followRedirect: false,
    throwHttpErrors: false,
    retry: {limit: 0},
  });

/** A body that is sent gets no deadline but has to move. */
function payloadOf({method = 'GET', headers = {}, form, body}: TransportRequest, {stallMs}: TransportTimeouts) {
  if (form) {
    return {headers: {...headers, 'content-type': 'application/x-www-form-urlencoded'}, body: form.toString()};
  }
  if (body) {
    const {bytes, answerMs} = body;
    return {
      headers: {...headers, 'content-length': String(bytes)},
      body: Readable.from(body.open(), {objectMode: false}),
      timeout: {socket: Math.max(stallMs, answerMs ?? 0), ...(answerMs !== undefined && {response: answerMs})},
    };
  }
  // A stream that could send a body has to be told that there is none.
  return {headers, ...(method !== 'GET' && method !== 'HEAD' && {body: ''})};
}

/** An `error` listener stays for good: a stream that is destroyed while nobody reads it must not end the process. */
function responseOf(exchange: Request): Promise<PlainResponse> {
  return new Promise((resolve, reject) => {
    exchange.once('response', resolve);
    exchange.on('error', reject);
  });
}

/** A connection kept alive that the other side closed just as it was used again: nothing was answered, so ask anew. */
const isStaleConnection = (error: unknown): boolean =>
  error instanceof RequestError && error.request?.reusedSocket === true && hasErrno(error, 'ECONNRESET', 'EPIPE');
