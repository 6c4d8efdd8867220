import {WinchError} from '../errors.ts';
import {redirectFault} from './redirect-rules.ts';
import type {Transport, TransportRequest, TransportResponse} from './transport.ts';

const MAX_REDIRECTS = 10;
const REDIRECT_STATUSES: readonly number[] = Object.freeze([301, 302, 303, 307, 308]);

/** Those that say to repeat a request as it was. */
const REPEATING_STATUSES: readonly number[] = Object.freeze([307, 308]);

export interface FollowOptions {
  /** Lower-case names of headers that are for the first origin alone, besides `authorization`. */
  readonly privateHeaders?: readonly string[];
}

/**
 * Sends a request and follows redirects; those of a request that writes only when they repeat it as it was (307, 308).
 *
 * `Authorization`, private headers and TLS settings go to the origin of the first URL only, and not again once a
 * redirect has left it. Only HTTP and HTTPS, never from HTTPS down to HTTP, and to a written-out loopback or link-local
 * address only when the registry has one itself.
 *
 * @throws {WinchError} `PROTOCOL_ERROR`: a redirect that breaks these rules, or more than 10.
 */
export async function sendFollowing(
  transport: Transport,
  request: TransportRequest,
  options: FollowOptions = {},
): Promise<TransportResponse> {
  const isReading = request.method === undefined || request.method === 'GET' || request.method === 'HEAD';
  let current = request;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const response = await transport.send(current);
    const {location} = response.headers;
    if (!REDIRECT_STATUSES.includes(response.status) || location === undefined) {
      return count === 0 ? response : {...response, isRedirected: true};
    }
    await response.discard();
    if (!isReading && !REPEATING_STATUSES.includes(response.status)) {
      throw redirectRefused(request.url, `a ${request.method} with ${response.status}`);
    }
    current = redirect(current, {location, registry: request.url, ...options});
  }
  throw redirectRefused(request.url, `more than ${MAX_REDIRECTS} times`);
}

interface Redirect extends FollowOptions {
  readonly location: string;
  /** What was asked first. */
  readonly registry: URL;
}

function redirect(request: TransportRequest, {location, registry, privateHeaders = []}: Redirect): TransportRequest {
  const url = checkTarget(location, request.url, registry);
  if (url.origin === registry.origin && request.url.origin === registry.origin) return {...request, url};
  const isPublic = ([name]: readonly [string, string]) => name !== 'authorization' && !privateHeaders.includes(name);
  const {tls: _, ...rest} = request;
  return {...rest, url, headers: Object.fromEntries(Object.entries(request.headers ?? {}).filter(isPublic))};
}

function checkTarget(location: string, base: URL, registry: URL): URL {
  if (!URL.canParse(location, base)) throw redirectRefused(registry, 'to what is no URL');
  const url = new URL(location, base);
  const fault = redirectFault(url, {base, registry});
  if (fault !== null) throw redirectRefused(registry, fault);
  url.username = '';
  url.password = '';
  return url;
}

function redirectRefused({host}: URL, fault: string): WinchError {
  return new WinchError('PROTOCOL_ERROR', `${host} redirects ${fault}; not followed`, {
    kind: 'unavailable',
    hint: 'the registry, or something between, is set up wrongly',
    details: {host},
  });
}
