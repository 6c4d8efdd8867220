import {deleteBlob, headBlob} from './blob-requests.ts';
import {openBlob} from './blobs.ts';
import {listRepositories} from './catalog.ts';
import {checkLogin} from './check-login.ts';
import type {CredentialSource} from './credentials.ts';
import {type InsecureRegistries, isInsecureHost} from './hosts.ts';
import {deleteManifest} from './manifest-writes.ts';
import {fetchManifest, headManifest} from './manifests.ts';
import {pushManifest} from './push-manifest.ts';
import {readRateLimit} from './rate-limit.ts';
import {listReferrers} from './referrers.ts';
import type {RegistryClient} from './registry-client.ts';
import {openSession, type RegistrySession} from './session.ts';
import {listTags} from './tags.ts';
import {openTransport, type TransportTimeouts} from './transport.ts';
import {createTurns} from './turns.ts';
import {uploadBlob} from './uploads.ts';

export type {RegistryClient, RepositoryName} from './registry-client.ts';

export interface RegistryClientOptions {
  readonly credentials: CredentialSource;
  readonly insecureRegistries: InsecureRegistries;
  readonly userAgent: string;
  readonly timeouts?: Partial<TransportTimeouts>;
}

/** Opens a client; nothing is sent and no credential is looked up before a call needs it. */
export function openRegistryClient(options: RegistryClientOptions): RegistryClient {
  const {credentials, insecureRegistries, userAgent, timeouts} = options;
  const transport = openTransport({
    userAgent,
    acceptsAnyCertificate: (host) => isInsecureHost(host, insecureRegistries),
    ...(timeouts && {timeouts}),
  });
  const sessions = new Map<string, RegistrySession>();
  const turns = createTurns();
  const sessionOf = ({registry}: {readonly registry: string}): RegistrySession => {
    const session = sessions.get(registry) ?? openSession(registry, {transport, credentials, insecureRegistries});
    sessions.set(registry, session);
    return session;
  };
  return {
    getManifest: (name, tagOrDigest, {signal, accept} = {}) =>
      fetchManifest(sessionOf(name), {repository: name.repository, tagOrDigest, accept, signal}),
    headManifest: (name, tagOrDigest, {signal, accept} = {}) =>
      headManifest(sessionOf(name), {repository: name.repository, tagOrDigest, accept, signal}),
    putManifest: (name, tagOrDigest, manifest, {signal} = {}) =>
      pushManifest(sessionOf(name), {repository: name.repository, tagOrDigest, manifest, signal}, turns),
    deleteManifest: (name, tagOrDigest, {signal} = {}) =>
      deleteManifest(sessionOf(name), {repository: name.repository, tagOrDigest, signal}),
    openBlob: (name, descriptor, {offset = 0, signal} = {}) =>
      openBlob(sessionOf(name), {repository: name.repository, descriptor, offset, signal}),
    headBlob: (name, digest, {signal} = {}) => headBlob(sessionOf(name), {repository: name.repository, digest, signal}),
    uploadBlob: (name, blob, {mountFrom, ...options} = {}) =>
      uploadBlob(sessionOf(name), {repository: name.repository, ...blob, mountFrom, options}),
    deleteBlob: (name, digest, {signal} = {}) =>
      deleteBlob(sessionOf(name), {repository: name.repository, digest, signal}),
    listTags: (name, {limit, last, signal} = {}) =>
      listTags(sessionOf(name), {repository: name.repository, limit, last, signal}),
    referrers: (name, subject, {artifactType, ...options} = {}) =>
      listReferrers(sessionOf(name), {repository: name.repository, subject, artifactType, options}),
    catalog: (registry, {limit, last, signal} = {}) => listRepositories(sessionOf({registry}), {limit, last, signal}),
    rateLimit: (name, {reference, signal} = {}) =>
      readRateLimit(sessionOf(name), {repository: name.repository, reference, signal}),
    checkLogin: (registry, credential, {signal} = {}) =>
      checkLogin((parts) => openSession(registry, {transport, insecureRegistries, ...parts}), {
        registry,
        credential,
        signal,
      }),
    close: () => transport.close(),
    [Symbol.asyncDispose]: async () => transport.close(),
  };
}
