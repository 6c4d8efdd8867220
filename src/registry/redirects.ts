import {WinchError} from '../errors.ts';
import {addressClass} from './address-class.ts';
import type {Transport, TransportRequest, TransportResponse} from './transport.ts';

const MAX_REDIRECTS = 10;
const REDIRECT_STATUSES: readonly number[] = Object.freeze([301, 302, 303, 307, 308]);

/**
 * Sends a GET or HEAD and follows redirects.
 *
 * `Authorization` goes to the origin of the first URL only, and not again once a redirect has left it. Only HTTP and
 * HTTPS, never from HTTPS down to HTTP, and to a written-out loopback or link-local address only when the registry has
 * one itself.
 *
 * @throws {WinchError} `PROTOCOL_ERROR`: a redirect that breaks these rules, or more than 10.
 */
export async function sendFollowing(transport: Transport, request: TransportRequest): Promise<TransportResponse> {
  let current = request;
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const response = await transport.send(current);
    const {location} = response.headers;
    if (!REDIRECT_STATUSES.includes(response.status) || location === undefined) return response;
    await response.discard();
    current = redirect(current, location, request.url);
  }
  throw redirectRefused(request.url, `more than ${MAX_REDIRECTS} times`);
}

function redirect(request: TransportRequest, location: string, registry: URL): TransportRequest {
  if (!URL.canParse(location, request.url)) throw redirectRefused(registry, 'to what is no URL');
  const url = new URL(location, request.url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw redirectRefused(registry, `to the scheme ${url.protocol.slice(0, 20)}`);
  }
  if (url.protocol === 'http:' && request.url.protocol === 'https:') {
    throw redirectRefused(registry, `from HTTPS to plain HTTP at ${url.host}`);
  }
  const kind = addressClass(url.hostname);
  const isHidden = kind === 'loopback' || kind === 'link-local';
  if (isHidden && url.host !== registry.host && kind !== addressClass(registry.hostname)) {
    throw redirectRefused(registry, `to the ${kind} address ${url.host}`);
  }
  url.username = '';
  url.password = '';
  const {authorization, ...headers} = request.headers ?? {};
  const keeps = url.origin === registry.origin && authorization !== undefined;
  return {...request, url, headers: keeps ? {...headers, authorization} : headers};
}

function redirectRefused({host}: URL, fault: string): WinchError {
  return new WinchError('PROTOCOL_ERROR', `${host} redirects ${fault}; not followed`, {
    kind: 'unavailable',
    hint: 'the registry, or something between, is set up wrongly',
    details: {host},
  });
}
