import type {Capability, Endpoint, SettingSource} from './host-plan.ts';
import {apiHost, DOCKER_HUB, type Insecurity, originsOf} from './hosts.ts';
import type {HostEntry, HostsToml} from './hosts-toml.ts';
import {splitLocation} from './location.ts';
import type {RegistryRule} from './registries-conf.ts';

/** An endpoint before its certificates are read. */
export interface EndpointDraft extends Omit<Endpoint, 'tls'> {
  readonly insecurity: Insecurity;
  /** What may name certificates of its own. */
  readonly entry: HostEntry | null;
}

export interface PlanSubject {
  readonly registry: string;
  readonly repository: string;
  readonly insecurityOf: (host: string) => Insecurity;
}

export interface PlanRules {
  readonly rule: RegistryRule | null;
  readonly hosts: HostsToml | null;
}

const ALL: readonly Capability[] = Object.freeze(['pull', 'resolve', 'push']);
const BUILT_IN: SettingSource = Object.freeze({entry: 'the registry that the name says'});

/** The rule whose prefix is the longest that the name begins with. */
export function findRule(
  rules: readonly RegistryRule[],
  {registry, repository}: {readonly registry: string; readonly repository: string},
): RegistryRule | null {
  const name = `${registry}/${repository}`;
  return rules
    .filter((rule) => matchedLength(rule.prefix, name) > 0)
    .reduce<RegistryRule | null>(
      (best, rule) => (best === null || rule.prefix.length > best.prefix.length ? rule : best),
      null,
    );
}

/** Where a repository may be read, mirrors first, the registry itself last. */
export function readEndpoints(subject: PlanSubject, {rule, hosts}: PlanRules): readonly EndpointDraft[] {
  const prefix = rule?.prefix ?? '';
  const mirrors = (rule?.mirrors ?? []).map((place) => ({...relocate(subject, {prefix, place}), ...MIRROR}));
  const listed = (hosts?.hosts ?? []).map((entry) => fromEntry(subject, entry)).filter(isReadable);
  const isMoved = rule !== null && rule.location !== '' && rule.location !== rule.prefix;
  const last = isMoved ? relocate(subject, {prefix, place: rule}) : ownEndpoint(subject, {rule, hosts});
  return [...mirrors, ...listed, last].filter((endpoint, index, all) => all.findIndex(isSamePlace(endpoint)) === index);
}

const MIRROR = Object.freeze({isMirror: true, capabilities: Object.freeze(['pull', 'resolve'] as const)});

const isReadable = ({capabilities}: EndpointDraft): boolean =>
  capabilities.includes('pull') || capabilities.includes('resolve');

const isSamePlace =
  (endpoint: EndpointDraft) =>
  (other: EndpointDraft): boolean =>
    placeOf(endpoint) === placeOf(other);

const placeOf = ({origins, apiPath, repository, capabilities, serves}: EndpointDraft): string =>
  JSON.stringify([origins, apiPath, repository, capabilities, serves]);

/** The registry itself, which a rule's `location` does not move for writing. */
export function ownEndpoint(subject: PlanSubject, {rule, hosts}: PlanRules): EndpointDraft {
  const {registry, repository} = subject;
  const server = hosts?.server ?? null;
  const insecurity = rule?.isInsecure ? 'named' : subject.insecurityOf(registry);
  const own = {...draftOf(registry, {insecurity, source: rule?.source ?? BUILT_IN}), repository};
  if (server === null) return own;
  if (server.origin !== null) return fromEntry(subject, server);
  const {apiPath: _, ...settings} = settingsOf(server);
  return {...own, ...settings, source: server.source};
}

interface Place {
  readonly location: string;
  readonly isInsecure: boolean;
  readonly serves?: Endpoint['serves'];
  readonly source: SettingSource;
}

function relocate(
  subject: PlanSubject,
  {prefix, place}: {readonly prefix: string; readonly place: Place},
): EndpointDraft {
  const name = `${subject.registry}/${subject.repository}`;
  const {host, path} = splitLocation(`${place.location}${name.slice(matchedLength(prefix, name))}`);
  const insecurity = place.isInsecure ? 'named' : subject.insecurityOf(host);
  return {
    ...draftOf(host, {insecurity, source: place.source}),
    repository: host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path,
    serves: place.serves ?? 'all',
  };
}

function fromEntry(subject: PlanSubject, entry: HostEntry): EndpointDraft {
  const {host: named = subject.registry, protocol = 'https:'} = entry.origin ?? {};
  const host = named === apiHost(DOCKER_HUB) ? DOCKER_HUB : named;
  const [http, https] = [`http://${apiHost(host)}`, `https://${apiHost(host)}`];
  // A host that is set up for TLS and called by HTTP may speak either.
  const plain = entry.skipsVerification === undefined ? [http] : [http, https];
  return {
    ...draftOf(host, {insecurity: subject.insecurityOf(host), source: entry.source}),
    ...settingsOf(entry),
    origins: protocol === 'http:' ? plain : [https],
    repository: subject.repository,
    query: host === subject.registry ? {} : {ns: subject.registry},
    isMirror: host !== subject.registry,
  };
}

function settingsOf(entry: HostEntry) {
  const {apiPath, headers, capabilities, skipsVerification} = entry;
  const insecurity = skipsVerification ? 'named' : null;
  return {entry, apiPath, headers, capabilities, ...(skipsVerification !== undefined && ({insecurity} as const))};
}

function draftOf(
  host: string,
  {insecurity, source}: {readonly insecurity: Insecurity; readonly source: SettingSource},
): EndpointDraft {
  return {
    host,
    origins: originsOf(host, insecurity !== null),
    apiPath: '/v2',
    repository: '',
    query: {},
    headers: {},
    capabilities: ALL,
    serves: 'all',
    isMirror: false,
    source,
    insecurity,
    entry: null,
  };
}

/** How much of a name a prefix covers; 0: it does not match. */
function matchedLength(prefix: string, name: string): number {
  if (prefix.startsWith('*.')) {
    const suffix = prefix.slice(1);
    const [domain = '', ...path] = suffix.split('/');
    const host = name.slice(0, name.indexOf('/'));
    const bare = host.replace(/:\d+$/, '');
    const matched = [host, bare].find((text) => text.length > domain.length && text.endsWith(domain));
    if (matched === undefined || (path.length > 0 && matched !== host)) return 0;
    return path.length === 0 ? host.length : plainLength(`${host}/${path.join('/')}`, name);
  }
  return plainLength(prefix, name);
}

const plainLength = (prefix: string, name: string): number =>
  prefix !== '' && (name === prefix || name.startsWith(`${prefix}/`)) ? prefix.length : 0;
