import {isWinchError, WinchError} from '../errors.ts';
import type {EventSink} from '../events.ts';
import {type AccessAction, openAuthorizer} from './authorizer.ts';
import type {CredentialSource} from './credentials.ts';
import {type InsecureRegistries, registryOrigins} from './hosts.ts';
import {sendFollowing} from './redirects.ts';
import type {RequestBody, Transport, TransportRequest, TransportResponse} from './transport.ts';

export interface SessionOptions {
  readonly transport: Transport;
  readonly credentials: CredentialSource;
  readonly insecureRegistries: InsecureRegistries;
  /** See {@link openAuthorizer}. */
  readonly onIdentityToken?: (token: string) => void;
}

export interface SessionRequest {
  /** Path and query below the registry's origin; or a whole URL that this registry gave (the place of an upload). */
  readonly path: string;
  /** The repository that the request is about; null: the registry itself. */
  readonly repository: string | null;
  /** What the login has to allow. Default: `pull`. */
  readonly actions?: readonly AccessAction[];
  /** Another repository of the registry that is read on the way: the source of a blob mount. */
  readonly alsoPull?: string | undefined;
  readonly method?: TransportRequest['method'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventSink | undefined;
}

/** What one client knows about one registry: where it answers, and the login. */
export interface RegistrySession {
  /** As it stands in references. */
  readonly registry: string;
  /**
   * The reply to a request, logged in and redirected as far as needed; any status but the registry's own 401.
   *
   * @throws {WinchError} those of the transport, of redirects and of the login; `PROTOCOL_ERROR`: an encoded reply.
   */
  request(request: SessionRequest): Promise<TransportResponse>;
  /** Texts that no message may show. */
  secrets(): readonly string[];
}

/** Starts a session; nothing is sent before the first request. */
export function openSession(registry: string, options: SessionOptions): RegistrySession {
  const {transport, credentials, insecureRegistries, onIdentityToken} = options;
  const authorizer = openAuthorizer({registry, credentials, transport, onIdentityToken});
  const candidates = registryOrigins(registry, insecureRegistries);
  let origin: string | undefined;
  const send = async (request: SessionRequest, authorization: string | undefined): Promise<TransportResponse> => {
    origin ??= new URL(await findOrigin(transport, candidates, request.signal)).origin;
    const {path, method = 'GET', headers, body, signal, onEvent} = request;
    const url = new URL(path, origin);
    const isOwn = url.origin === origin;
    const sent: TransportRequest = {
      url,
      method,
      headers: {...headers, ...(authorization !== undefined && isOwn && {authorization})},
      ...(body && {body}),
      signal,
      onEvent,
    };
    return await sendFollowing(transport, sent);
  };
  const request = async (wanted: SessionRequest): Promise<TransportResponse> => {
    const {repository, actions = ['pull'], alsoPull, signal} = wanted;
    const response = await authorizer.exchange({
      access: {repository, actions, alsoPull},
      send: (authorization) => send(wanted, authorization),
      isOwn: ({url}) => url.origin === origin,
      signal,
    });
    return checkEncoding(response);
  };
  return {registry, request, secrets: authorizer.secrets};
}

/**
 * The first origin where the registry API answers. A lone candidate is not asked.
 *
 * A TLS server that gets plain HTTP drops the connection or answers 400.
 */
async function findOrigin(
  transport: Transport,
  candidates: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const [first = '', second] = candidates;
  if (second === undefined) return first;
  try {
    const response = await transport.send({url: new URL('/v2/', first), signal});
    await response.discard();
    if (response.status !== 400 || first.startsWith('https:')) return first;
  } catch (error) {
    if (!isWinchError(error) || error.kind !== 'unavailable') throw error;
    const answers = await isAnswering(transport, new URL('/v2/', second), signal);
    if (!answers) throw error;
  }
  return second;
}

async function isAnswering(transport: Transport, url: URL, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const response = await transport.send({url, signal});
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
