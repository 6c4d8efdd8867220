import {isWinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {formatReference, parseReference, type Reference} from '../oci/reference.ts';
import type {CredentialDescription, Credentials} from '../registry/credentials.ts';
import {chooseEndpoints, createEndpointRecord, keyOf} from '../registry/endpoint-choice.ts';
import type {Capability, Endpoint, HostPlan, HostWarning, SettingSource} from '../registry/host-plan.ts';
import {chooseProxy} from '../registry/proxies.ts';
import type {RegistriesConf} from '../registry/registries-conf.ts';
import {tagOrDigest} from './fetch-manifest.ts';
import {openCredentialsOf} from './logins/open-credentials.ts';
import {openHostsOf} from './open-registry.ts';
import type {RegistrySettings} from './registry-settings.ts';

/** How a name without a registry became one with it. */
export interface ShortNameExplanation {
  /** An alias of this name in `registries.conf`, which is not used. */
  readonly unusedAlias: {readonly name: string; readonly file: string} | null;
  /** Registries that podman would search for it, which are not searched. */
  readonly unusedSearch: {readonly names: readonly string[]; readonly file: string} | null;
}

/** One place that may be asked, and how. */
export interface EndpointExplanation {
  readonly host: string;
  /** Where the API of the repository begins; several when winch finds out which one answers. */
  readonly urls: readonly string[];
  readonly isMirror: boolean;
  /** Whether it is asked for this reference. */
  readonly isAsked: boolean;
  readonly capabilities: readonly Capability[];
  readonly serves: Endpoint['serves'];
  /** Why it is there. */
  readonly source: SettingSource;
  readonly tls: {readonly isVerified: boolean; readonly files: readonly string[]};
  readonly proxy: {
    /** Without its login; null: it is asked directly. */
    readonly url: string | null;
    readonly reason: string;
  };
  /** Names of headers that are added. */
  readonly headers: readonly string[];
  /** Who logs in there when it asks for that; null: nobody. */
  readonly login: CredentialDescription | null;
  /** Why the login could not be found out. */
  readonly loginFault: string | null;
}

/** What winch would do with a name, and why. */
export interface RegistryExplanation {
  /** The whole name. */
  readonly reference: string;
  readonly registry: string;
  readonly repository: string;
  /** Null: the name says its registry itself. */
  readonly shortName: ShortNameExplanation | null;
  readonly blockedBy: SettingSource | null;
  /** In the order in which they are asked to read. */
  readonly endpoints: readonly EndpointExplanation[];
  readonly pushEndpoint: EndpointExplanation;
  /** What is odd about the files that were read. */
  readonly warnings: readonly HostWarning[];
}

/**
 * Explains how a reference would be read and written: which file, mirror, proxy and login would be used. Nothing is
 * contacted; credential helpers of this machine are asked.
 *
 * @throws {WinchError} `REFERENCE_INVALID` | `REGISTRY_CONFIG_INVALID` | `PROXY_INVALID`
 */
export async function explainRegistry(
  settings: RegistrySettings,
  text: string,
  {signal}: CallOptions = {},
): Promise<RegistryExplanation> {
  const reference = parseReference(text);
  const hosts = openHostsOf(settings);
  const plan = await hosts.plan(reference);
  const asked = askedEndpoints(plan, reference);
  const credentials = openCredentialsOf(settings);
  const explain = (endpoint: Endpoint) =>
    explainEndpoint(endpoint, {settings, credentials, isAsked: asked.has(keyOf(endpoint)), signal});
  const endpoints: EndpointExplanation[] = [];
  for (const endpoint of plan.endpoints) endpoints.push(await explain(endpoint));
  return {
    reference: formatReference(reference),
    registry: reference.registry,
    repository: reference.repository,
    shortName: isShortName(text) ? explainShortName(text, await hosts.registriesConf()) : null,
    blockedBy: plan.blockedBy,
    endpoints,
    pushEndpoint: await explain(plan.pushEndpoint),
    warnings: hosts.takeWarnings(),
  };
}

function askedEndpoints(plan: HostPlan, reference: Reference): ReadonlySet<string> {
  const path = `/v2/${reference.repository}/manifests/${tagOrDigest(reference)}`;
  try {
    const request = {path, repository: reference.repository};
    return new Set(chooseEndpoints(plan, request, createEndpointRecord(plan.registry)).endpoints.map(keyOf));
  } catch (error) {
    if (isWinchError(error, 'ENDPOINT_MISSING')) return new Set();
    throw error;
  }
}

interface EndpointContext {
  readonly settings: RegistrySettings;
  readonly credentials: Credentials;
  readonly isAsked: boolean;
  readonly signal: AbortSignal | undefined;
}

async function explainEndpoint(
  endpoint: Endpoint,
  {settings, credentials, isAsked, signal}: EndpointContext,
): Promise<EndpointExplanation> {
  const {host, origins, apiPath, repository, isMirror, capabilities, serves, source, tls, headers} = endpoint;
  const {proxy, reason} = chooseProxy(new URL(origins[0] ?? `https://${host}`), settings.proxyEnvironment ?? {});
  return {
    host,
    urls: origins.map((origin) => `${origin}${apiPath}/${repository}`),
    isMirror,
    isAsked,
    capabilities,
    serves,
    source,
    tls: {isVerified: tls.isVerified, files: tls.files},
    proxy: {url: proxy && `${proxy.protocol}//${proxy.host}`, reason},
    headers: Object.keys(headers),
    ...(await findLogin(credentials, endpoint, signal)),
  };
}

async function findLogin(
  credentials: Credentials,
  {host, repository}: Endpoint,
  signal: AbortSignal | undefined,
): Promise<Pick<EndpointExplanation, 'login' | 'loginFault'>> {
  try {
    return {login: await credentials.describe(host, {repository, signal}), loginFault: null};
  } catch (error) {
    if (isWinchError(error)) return {login: null, loginFault: error.message};
    throw error;
  }
}

/** The first part of a name is a registry by the same rule as in references. */
const isShortName = (text: string): boolean => !/^(?:[^/]*[.:A-Z][^/]*|localhost)\//.test(text);

function explainShortName(text: string, {aliases, searchRegistries}: RegistriesConf): ShortNameExplanation {
  const [name = ''] = text.split(/[:@]/, 1);
  return {unusedAlias: aliases.get(name) ?? null, unusedSearch: searchRegistries};
}
