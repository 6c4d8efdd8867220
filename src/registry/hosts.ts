import {addressClass} from './address-class.ts';

/** Registries that may be asked over plain HTTP or with a certificate that does not verify. */
export type InsecureRegistries = readonly string[] | 'all';

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_API = 'registry-1.docker.io';

/**
 * Where a registry may answer, the place to try first coming first.
 *
 * HTTPS only, unless the registry is insecure. One on loopback is insecure as it is for docker; with a port of its own
 * it is tried over HTTP first, since hardly any local registry has a certificate.
 */
export function registryOrigins(registry: string, insecure: InsecureRegistries): readonly string[] {
  const host = registry === DOCKER_HUB ? DOCKER_HUB_API : registry;
  const https = `https://${host}`;
  if (!isInsecureHost(host, insecure)) return [https];
  const http = `http://${host}`;
  const {hostname, port} = new URL(http);
  return addressClass(hostname) === 'loopback' && port !== '' && port !== '443' ? [http, https] : [https, http];
}

/** Whether a host (`name[:port]`) is on loopback or named as insecure. */
export function isInsecureHost(host: string, insecure: InsecureRegistries): boolean {
  if (insecure === 'all' || addressClass(new URL(`http://${host}`).hostname) === 'loopback') return true;
  return insecure.some((name) => normalizeHost(name) === normalizeHost(host));
}

/** Lower case, without the port of HTTPS. */
function normalizeHost(host: string): string {
  const url = `https://${host}`;
  return URL.canParse(url) ? new URL(url).host : host;
}
