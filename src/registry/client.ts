import {openLargeBlob, type RangePlan} from './blob-ranges.ts';
import {deleteBlob, headBlob} from './blob-requests.ts';
import {listRepositories} from './catalog.ts';
import type {CredentialSource} from './credentials.ts';
import {openForeignBlob} from './foreign-layers.ts';
import {openHostDirectory} from './host-directory.ts';
import {createHostPauses, type HostPauses} from './host-pauses.ts';
import type {HostDirectory} from './host-plan.ts';
import type {InsecureRegistries} from './hosts.ts';
import {fetchManifest, headManifest} from './manifests.ts';
import type {ProxyEnvironment} from './proxies.ts';
import {pushManifest} from './push-manifest.ts';
import {readRateLimit} from './rate-limit.ts';
import {listReferrers} from './referrers.ts';
import type {ReadCallOptions, RegistryClient} from './registry-client.ts';
import {removeManifest} from './remove-manifest.ts';
import {withRetries} from './retries.ts';
import type {RetryPolicy} from './retry-budget.ts';
import {type Audience, openSession, type RegistrySession, type SessionOptions, type SessionRequest} from './session.ts';
import {listTags} from './tags.ts';
import {openTransport, type Transport, type TransportTimeouts} from './transport.ts';
import {createTurns} from './turns.ts';
import {uploadBlob} from './uploads.ts';

export type {RegistryClient, RepositoryName} from './registry-client.ts';

export interface RegistryClientOptions {
  readonly credentials: CredentialSource;
  readonly insecureRegistries: InsecureRegistries;
  /** Mirrors and certificates. Default: none. */
  readonly hosts?: HostDirectory;
  /** Default: no proxies. */
  readonly proxyEnvironment?: ProxyEnvironment | undefined;
  readonly userAgent: string;
  readonly timeouts?: Partial<TransportTimeouts>;
  /** Puts something between the client and the network that sees every exchange. */
  readonly watch?: ((transport: Transport) => Transport) | undefined;
  /** Default: those of this client alone. */
  readonly pauses?: HostPauses | undefined;
  readonly retryPolicy?: Partial<RetryPolicy> | undefined;
  /** When a blob is fetched over several connections. */
  readonly ranges?: Partial<RangePlan> | undefined;
}

/** Opens a client; nothing is sent and no credential is looked up before a call needs it. */
export function openRegistryClient(options: RegistryClientOptions): RegistryClient {
  const {credentials, hosts = openHostDirectory(options), proxyEnvironment = {}, userAgent, timeouts} = options;
  const tls = (host: string) => hosts.tls(host);
  const {pauses = createHostPauses(), retryPolicy, ranges} = options;
  const {watch = (unwatched) => unwatched} = options;
  const exchange = watch(openTransport({userAgent, tls, proxyEnvironment, ...(timeouts && {timeouts})}));
  const transport = withRetries(exchange, {pauses, policy: retryPolicy});
  const {sessionOf, ownSessionOf} = createSessions({transport, credentials, hosts});
  const turns = createTurns();
  return {
    getManifest: (name, tagOrDigest, options = {}) =>
      fetchManifest(sessionOf(name, options), {...name, tagOrDigest, retryPolicy, ...options}),
    headManifest: (name, tagOrDigest, options = {}) =>
      headManifest(sessionOf(name, options), {...name, tagOrDigest, ...options}),
    putManifest: (name, tagOrDigest, manifest, options = {}) =>
      pushManifest(ownSessionOf(name, options), {...name, tagOrDigest, manifest, signal: options.signal}, turns),
    deleteManifest: (name, tagOrDigest, options = {}) =>
      removeManifest(ownSessionOf(name, options), {...name, tagOrDigest, signal: options.signal}, turns),
    openBlob: (name, descriptor, {offset = 0, ...options} = {}) =>
      openLargeBlob(sessionOf(name, options, 'origin'), {...name, descriptor, offset, retryPolicy, ranges, ...options}),
    openForeignBlob: ({registry, repository}, descriptor, {offset = 0, signal} = {}) =>
      openForeignBlob(transport, {registry, repository, descriptor, offset, signal}),
    headBlob: (name, digest, options = {}) =>
      headBlob(sessionOf(name, options), {...name, digest, signal: options.signal}),
    uploadBlob: (name, blob, {mountFrom, ...options} = {}) =>
      uploadBlob(ownSessionOf(name, options), {...name, ...blob, mountFrom, options}),
    deleteBlob: (name, digest, options = {}) =>
      deleteBlob(ownSessionOf(name, options), {...name, digest, signal: options.signal}),
    listTags: (name, options = {}) => listTags(sessionOf(name, options), {...name, ...options}),
    referrers: (name, subject, {artifactType, ...options} = {}) =>
      listReferrers(sessionOf(name, options), {...name, subject, artifactType, options}),
    catalog: (registry, options = {}) => listRepositories(ownSessionOf({registry}, options), options),
    rateLimit: (name, {reference, ...options} = {}) =>
      readRateLimit(ownSessionOf(name, options), {...name, reference, signal: options.signal}),
    checkLogin: async (registry, credential, {signal} = {}) => {
      const {checkLogin} = await import('./check-login.ts');
      return checkLogin((parts) => openSession(registry, {transport, hosts, ...parts}), {registry, credential, signal});
    },
    close: () => transport.close(),
    [Symbol.asyncDispose]: async () => transport.close(),
  };
}

/** One session for each registry, as each call uses it. */
function createSessions(options: SessionOptions) {
  const sessions = new Map<string, RegistrySession>();
  const sessionOf = (
    {registry}: {readonly registry: string},
    {onEvent, avoidsMirrors = false}: ReadCallOptions,
    own: Audience = 'target',
  ): RegistrySession => {
    const session = sessions.get(registry) ?? openSession(registry, options);
    sessions.set(registry, session);
    return withDefaults(session, {onEvent, audience: avoidsMirrors ? own : 'all'});
  };
  /** For what is about to be written, and what the registry alone knows. */
  const ownSessionOf = (name: {readonly registry: string}, call: ReadCallOptions): RegistrySession =>
    sessionOf(name, {...call, avoidsMirrors: true});
  return {sessionOf, ownSessionOf};
}

const withDefaults = (
  session: RegistrySession,
  {onEvent, audience}: Pick<SessionRequest, 'onEvent' | 'audience'>,
): RegistrySession => ({
  ...session,
  request: (wanted) =>
    session.request({...wanted, onEvent: wanted.onEvent ?? onEvent, audience: wanted.audience ?? audience}),
});
