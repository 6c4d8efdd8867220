import {addressClass} from './address-class.ts';

/** Registries that may be asked over plain HTTP or with a certificate that does not verify. */
export type InsecureRegistries = readonly string[] | 'all';

/** Why a host may be asked over plain HTTP: it was named, or it is on loopback; null: it may not. */
export type Insecurity = 'named' | 'loopback' | null;

export const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_API = 'registry-1.docker.io';

/**
 * Where a registry may answer, the place to try first coming first.
 *
 * HTTPS only, unless the registry is insecure. One on loopback is insecure as it is for docker; with a port of its own
 * it is tried over HTTP first, since hardly any local registry has a certificate.
 */
export function originsOf(registry: string, isInsecure: boolean): readonly string[] {
  const host = apiHost(registry);
  const https = `https://${host}`;
  if (!isInsecure) return [https];
  const http = `http://${host}`;
  const {hostname, port} = new URL(http);
  return addressClass(hostname) === 'loopback' && port !== '' && port !== '443' ? [http, https] : [https, http];
}

/** Where the API of a registry answers, without configuration. */
export const apiHost = (registry: string): string => (registry === DOCKER_HUB ? DOCKER_HUB_API : registry);

/** Why a host (`name[:port]`) may be asked over plain HTTP. */
export function insecurityOf(host: string, insecure: InsecureRegistries): Insecurity {
  if (insecure === 'all' || insecure.some((name) => normalizeHost(name) === normalizeHost(host))) return 'named';
  return addressClass(new URL(`http://${host}`).hostname) === 'loopback' ? 'loopback' : null;
}

/** Lower case, without the port of HTTPS. */
function normalizeHost(host: string): string {
  const url = `https://${host}`;
  return URL.canParse(url) ? new URL(url).host : host;
}
