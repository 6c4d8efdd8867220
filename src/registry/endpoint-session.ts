import {isWinchError, WinchError} from '../errors.ts';
import {openAuthorizer} from './authorizer.ts';
import type {CredentialSource} from './credentials.ts';
import type {Endpoint} from './host-plan.ts';
import {sendFollowing} from './redirects.ts';
import type {SessionRequest} from './session.ts';
import type {Transport, TransportRequest, TransportResponse} from './transport.ts';

export interface EndpointSessionOptions {
  readonly transport: Transport;
  readonly credentials: CredentialSource;
  /** See {@link openAuthorizer}. */
  readonly onIdentityToken?: ((token: string) => void) | undefined;
}

/** What one client knows about one endpoint: the origin that answers, and the login. */
export interface EndpointSession {
  /**
   * The reply to a request whose path is written as for the registry itself.
   *
   * @param endpoint How the request's repository is called there.
   */
  request(request: SessionRequest, endpoint: Endpoint): Promise<TransportResponse>;
  secrets(): readonly string[];
}

/** Starts a session; nothing is sent before the first request. */
export function openEndpointSession(endpoint: Endpoint, options: EndpointSessionOptions): EndpointSession {
  const {host, origins, tls} = endpoint;
  const hosts = origins.map((origin) => new URL(origin).host);
  const transport: Transport = {
    ...options.transport,
    send: (request) => options.transport.send(hosts.includes(request.url.host) ? {...request, tls} : request),
  };
  const authorizer = openAuthorizer({...options, registry: host, transport});
  let origin: string | undefined;
  const send = async (
    request: SessionRequest,
    authorization: string | undefined,
    target: Endpoint,
  ): Promise<TransportResponse> => {
    const follow = (sent: TransportRequest) =>
      sendFollowing(transport, sent, {privateHeaders: Object.keys(target.headers)});
    const [first = ''] = target.origins;
    if (origin === undefined && authorization === undefined && isProbe(request, target)) {
      const response = await tryOrigin(follow, {
        ...requestAt(first, request, target),
        mayRepeat: request.mayRepeat === false ? false : 'replies',
      });
      if (response) origin = new URL(first).origin;
      if (response) return response;
    }
    origin ??= new URL(await findOrigin(transport, target, request.signal)).origin;
    return await follow(requestAt(origin, request, target, authorization));
  };
  const request = async (wanted: SessionRequest, target: Endpoint): Promise<TransportResponse> => {
    const {actions = ['pull'], alsoPull, signal} = wanted;
    const repository = wanted.repository === null ? null : target.repository;
    const response = await authorizer.exchange({
      access: {repository, actions, alsoPull},
      send: (authorization) => send(wanted, authorization, target),
      isOwn: ({url}) => url.origin === origin,
      signal,
    });
    return checkEncoding(response);
  };
  return {request, secrets: authorizer.secrets};
}

function requestAt(
  base: string,
  request: SessionRequest,
  target: Endpoint,
  authorization?: string | undefined,
): TransportRequest {
  const {origin} = new URL(base);
  const {path, method = 'GET', headers, body, signal, onEvent} = request;
  const url = locate(path, {origin, target, repository: request.repository});
  const own = url.origin === origin ? {...target.headers, ...(authorization !== undefined && {authorization})} : {};
  const manner = {mayRepeat: request.mayRepeat ?? !target.isMirror, signal, onEvent};
  return {url, method, headers: {...headers, ...own}, ...(body && {body}), ...manner};
}

/** Whether a request can find out by itself where the API answers: a ping before it doubles the time of a look. */
const isProbe = ({method = 'GET', body}: SessionRequest, {origins, isMirror}: Endpoint): boolean =>
  origins.length > 1 && !isMirror && body === undefined && (method === 'GET' || method === 'HEAD');

/** Null when the reply does not tell that the API is there. */
async function tryOrigin(
  follow: (request: TransportRequest) => Promise<TransportResponse>,
  request: TransportRequest,
): Promise<TransportResponse | null> {
  try {
    const response = await follow(request);
    if (response.status !== 400) return response;
    await response.discard();
  } catch (error) {
    if (!isWinchError(error) || error.kind !== 'unavailable') throw error;
  }
  return null;
}

interface Location {
  readonly origin: string;
  readonly target: Endpoint;
  /** As it is called at the registry. */
  readonly repository: string | null;
}

/** A whole URL is one that the endpoint gave itself. */
function locate(path: string, {origin, target, repository}: Location): URL {
  if (!path.startsWith('/v2/')) return new URL(path, origin);
  const rest = path.slice('/v2/'.length);
  const isInside = repository !== null && rest.startsWith(`${repository}/`);
  const renamed = isInside ? `${target.repository}${rest.slice(repository.length)}` : rest;
  const url = new URL(`${target.apiPath}/${renamed}`, origin);
  for (const [name, value] of Object.entries(target.query)) url.searchParams.set(name, value);
  return url;
}

/**
 * The first origin where the registry API answers. A lone candidate is not asked.
 *
 * A TLS server that gets plain HTTP drops the connection or answers 400.
 */
async function findOrigin(
  transport: Transport,
  {origins, apiPath, isMirror}: Endpoint,
  signal: AbortSignal | undefined,
): Promise<string> {
  const [first = '', second] = origins;
  if (second === undefined) return first;
  const place = `${apiPath}/`;
  try {
    const response = await transport.send({url: new URL(place, first), mayRepeat: false, signal});
    await response.discard();
    if (response.status !== 400 || first.startsWith('https:')) return first;
  } catch (error) {
    if (!isWinchError(error) || error.kind !== 'unavailable') throw error;
    if (await isAnswering(transport, new URL(place, second), signal)) return second;
    if (isMirror) throw error;
    // Neither answers now: the likelier one is waited for.
    await (await transport.send({url: new URL(place, first), signal})).discard();
    return first;
  }
  return second;
}

async function isAnswering(transport: Transport, url: URL, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const response = await transport.send({url, mayRepeat: false, signal});
    await response.discard();
    return true;
  } catch (error) {
    if (isWinchError(error) && error.kind === 'unavailable') return false;
    throw error;
  }
}

/** Digests cover what was stored, so nothing between may encode it; winch asks for `identity`. */
function checkEncoding(response: TransportResponse): TransportResponse {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity' || response.status >= 300) return response;
  response.close();
  throw new WinchError(
    'PROTOCOL_ERROR',
    `${response.url.host} answers with the content encoding ${encoding.slice(0, 40)}`,
    {
      kind: 'unavailable',
      hint: 'a proxy between may compress replies; digests cover the plain bytes',
      details: {host: response.url.host},
    },
  );
}
