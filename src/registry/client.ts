import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import {type BlobStream, openBlob} from './blobs.ts';
import type {CredentialSource} from './credentials.ts';
import {type InsecureRegistries, isInsecureHost} from './hosts.ts';
import {type FetchedManifest, fetchManifest, headManifest, type ManifestHead} from './manifests.ts';
import {listReferrers, type ReferrersList} from './referrers.ts';
import {openSession, type RegistrySession} from './session.ts';
import {listTags} from './tags.ts';
import {openTransport, type TransportTimeouts} from './transport.ts';
import {type BlobSource, type UploadOutcome, uploadBlob} from './uploads.ts';

export interface RegistryClientOptions {
  readonly credentials: CredentialSource;
  readonly insecureRegistries: InsecureRegistries;
  readonly userAgent: string;
  readonly timeouts?: Partial<TransportTimeouts>;
}

/** A repository at a registry; both parts as `parseReference` gives them. */
export interface RepositoryName {
  readonly registry: string;
  readonly repository: string;
}

/**
 * Reads from any number of registries over kept connections and remembers logins until it is closed.
 *
 * Every method throws `REGISTRY_UNREACHABLE`, `REGISTRY_UNAVAILABLE`, `TLS_FAILED`, `PROTOCOL_ERROR`, `REGISTRY_ERROR`,
 * `RATE_LIMITED`, `AUTH_REQUIRED`, `AUTH_DENIED`, `REALM_REFUSED`, `TOKEN_INVALID` and what the credential source throws,
 * besides its own.
 *
 * @see distribution-spec v1.1.1 spec.md#pull
 */
export interface RegistryClient extends AsyncDisposable {
  /**
   * The manifest or index under a tag or digest, at most 4 MiB, as bytes.
   *
   * @throws {WinchError} `MANIFEST_UNKNOWN`, `NAME_UNKNOWN`, `MANIFEST_TOO_LARGE`; `DIGEST_MISMATCH` when it was asked
   *   for by digest.
   */
  getManifest(repository: RepositoryName, tagOrDigest: string, options?: CallOptions): Promise<FetchedManifest>;
  /** What the registry says about a manifest without sending it; null when there is none. */
  headManifest(repository: RepositoryName, tagOrDigest: string, options?: CallOptions): Promise<ManifestHead | null>;
  /**
   * Opens a blob from `offset` (bytes, default 0) to its end. Reading yields exactly the descriptor's size less the
   * offset, or throws. The digest is not checked here: whoever keeps the bytes hashes them.
   *
   * @throws {WinchError} `BLOB_UNKNOWN`; `SIZE_MISMATCH` (here or while reading); `RANGE_REFUSED`: the registry does not
   *   begin at the offset.
   */
  openBlob(
    repository: RepositoryName,
    descriptor: Descriptor,
    options?: CallOptions & {readonly offset?: number},
  ): Promise<BlobStream>;
  /**
   * The tags of a repository as the registry orders them, at most `limit` (default 10 000).
   *
   * @throws {WinchError} `NAME_UNKNOWN`
   */
  listTags(repository: RepositoryName, options?: CallOptions & {readonly limit?: number}): Promise<readonly string[]>;
  /**
   * Makes a blob present in a repository: not sent when it is there, mounted from `mountFrom` (another repository of the
   * same registry) where the registry does that, else uploaded, in pieces that are resumed.
   *
   * @throws {WinchError} `DIGEST_INVALID`: the registry received something else; `UPLOAD_FAILED`
   * @see distribution-spec v1.1.1 spec.md#pushing-blobs
   */
  uploadBlob(
    repository: RepositoryName,
    blob: {readonly digest: Digest; readonly size: number; readonly source: BlobSource},
    options?: CallOptions & {readonly mountFrom?: string | undefined},
  ): Promise<UploadOutcome>;
  /** Manifests that name `subject` as theirs, by the referrers API or else its tag (distribution-spec spec.md#listing-referrers). */
  referrers(
    repository: RepositoryName,
    subject: Digest,
    options?: CallOptions & {readonly artifactType?: string | undefined},
  ): Promise<ReferrersList>;
  /** Ends kept connections; downloads that still run are cut. */
  close(): void;
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
  const sessionOf = ({registry}: RepositoryName): RegistrySession => {
    const session = sessions.get(registry) ?? openSession(registry, {transport, credentials, insecureRegistries});
    sessions.set(registry, session);
    return session;
  };
  return {
    getManifest: (name, tagOrDigest, {signal} = {}) =>
      fetchManifest(sessionOf(name), {repository: name.repository, tagOrDigest, signal}),
    headManifest: (name, tagOrDigest, {signal} = {}) =>
      headManifest(sessionOf(name), {repository: name.repository, tagOrDigest, signal}),
    openBlob: (name, descriptor, {offset = 0, signal} = {}) =>
      openBlob(sessionOf(name), {repository: name.repository, descriptor, offset, signal}),
    listTags: (name, {limit, signal} = {}) => listTags(sessionOf(name), {repository: name.repository, limit, signal}),
    uploadBlob: (name, blob, {mountFrom, ...options} = {}) =>
      uploadBlob(sessionOf(name), {repository: name.repository, ...blob, mountFrom, options}),
    referrers: (name, subject, {artifactType, ...options} = {}) =>
      listReferrers(sessionOf(name), {repository: name.repository, subject, artifactType, options}),
    close: () => transport.close(),
    [Symbol.asyncDispose]: async () => transport.close(),
  };
}
