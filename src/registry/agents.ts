import {Agent as HttpAgent} from 'node:http';
import {Agent as HttpsAgent} from 'node:https';
import {createSecureContext, getCACertificates} from 'node:tls';
import type {TlsSettings} from './host-plan.ts';

/** How a connection is made. */
export interface Route {
  readonly tls: TlsSettings;
  /** Null: directly. */
  readonly proxy: URL | null;
  /** Whether the machine's own certificate store is trusted besides the one that Node brings; reading it takes 50 ms. */
  readonly trustsSystem: boolean;
}

/** Connections that are kept alive, those of one kind apart from those of another. */
export interface Agents {
  /** As the HTTP client takes it. */
  of(url: URL, route: Route): {readonly http: HttpAgent} | {readonly https: HttpsAgent};
  destroy(): void;
}

/** Opens a set of connections. */
export function openAgents(): Agents {
  const agents = new Map<string, HttpAgent | HttpsAgent>();
  const ensure = <T extends HttpAgent | HttpsAgent>(key: string, create: () => T): T => {
    const agent = (agents.get(key) as T | undefined) ?? create();
    agents.set(key, agent);
    return agent;
  };
  return {
    of: (url, route) => {
      const proxyKey = route.proxy?.href ?? '';
      if (url.protocol === 'http:') return {http: ensure(`http ${proxyKey}`, () => new HttpAgent(optionsOf(route)))};
      const {isVerified, files} = route.tls;
      const key = JSON.stringify([proxyKey, isVerified, route.trustsSystem, files]);
      return {https: ensure(key, () => new HttpsAgent({...optionsOf(route), ...tlsOptionsOf(route)}))};
    },
    destroy: () => {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function optionsOf({proxy}: Route) {
  if (proxy === null) return {keepAlive: true};
  return {keepAlive: true, proxyEnv: {http_proxy: proxy.href, https_proxy: proxy.href}};
}

// A context of its own is built once; certificates in the options of an agent would be read for each connection.
function tlsOptionsOf({tls, trustsSystem}: Route) {
  const {isVerified, authorities, client} = tls;
  const extra = [...authorities, ...(trustsSystem ? getCACertificates('system') : [])];
  if (extra.length === 0 && client === null) return {rejectUnauthorized: isVerified};
  const secureContext = createSecureContext({
    ...(extra.length > 0 && {ca: [...getCACertificates('default'), ...extra]}),
    ...(client && {cert: client.certificate, key: client.key}),
  });
  return {rejectUnauthorized: isVerified, secureContext};
}
