import {WinchError} from '../errors.ts';
import {addressClass} from './address-class.ts';

/**
 * The token endpoint that a registry names, when it is one to send credentials to.
 *
 * HTTPS unless the registry itself speaks HTTP; no user name or password in it; a written-out loopback, link-local or
 * private address only where the registry is the same host or has an address of that class, so that a foreign registry
 * cannot make this machine ask its own network.
 *
 * @throws {WinchError} `REALM_REFUSED`: the endpoint was not contacted.
 */
export function checkRealm(realm: string | undefined, registry: URL): URL {
  if (realm === undefined || !URL.canParse(realm)) throw realmRefused(registry, null, 'no absolute URL');
  const url = new URL(realm);
  const fault = realmFault(url, registry);
  if (fault !== null) throw realmRefused(registry, url, fault);
  return url;
}

function realmFault(url: URL, registry: URL): string | null {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `the scheme ${url.protocol.slice(0, -1)}`;
  if (url.protocol === 'http:' && registry.protocol === 'https:') return 'plain HTTP, though the registry has TLS';
  if (url.username !== '' || url.password !== '') return 'a user name in the URL';
  const kind = addressClass(url.hostname);
  const isFamiliar = url.host === registry.host || kind === null || kind === addressClass(registry.hostname);
  return isFamiliar ? null : `a ${kind} address`;
}

function realmRefused(registry: URL, realm: URL | null, fault: string): WinchError {
  const place = realm === null ? 'at' : `at ${realm.protocol}//${realm.host}${realm.pathname.slice(0, 80)},`;
  return new WinchError('REALM_REFUSED', `${registry.host} asks to log in ${place} ${fault}; refused`, {
    kind: 'unauthorized',
    hint: 'the registry, or something between, is set up wrongly or hostile; nothing was sent there',
    details: {host: registry.host},
  });
}
