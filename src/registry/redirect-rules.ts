import {addressClass} from './address-class.ts';

/**
 * What speaks against going where a registry sends a client; null: nothing. Only HTTP and HTTPS, never from HTTPS down to
 * HTTP, and to a written-out loopback or link-local address only when the registry has one itself.
 *
 * @param base What gave the URL.
 * @param registry What was asked first.
 */
export function redirectFault(url: URL, {base, registry}: {readonly base: URL; readonly registry: URL}): string | null {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `to the scheme ${url.protocol.slice(0, 20)}`;
  if (url.protocol === 'http:' && base.protocol === 'https:') return `from HTTPS to plain HTTP at ${url.host}`;
  const kind = addressClass(url.hostname);
  const isHidden = kind === 'loopback' || kind === 'link-local';
  const isFamiliar = url.host === registry.host || kind === addressClass(registry.hostname);
  return isHidden && !isFamiliar ? `to the ${kind} address ${url.host}` : null;
}
