import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {BlobHead} from './blob-requests.ts';
import type {BlobStream} from './blobs.ts';
import type {CheckedLogin} from './check-login.ts';
import type {Credential} from './credentials.ts';
import type {ManifestDocument, PushedManifest} from './manifest-writes.ts';
import type {FetchedManifest, ManifestHead} from './manifests.ts';
import type {RateLimit} from './rate-limit.ts';
import type {ReferrersList} from './referrers.ts';
import type {BlobSource, UploadOutcome} from './uploads.ts';

/** A repository at a registry; both parts as `parseReference` gives them. */
export interface RepositoryName {
  readonly registry: string;
  readonly repository: string;
}

export interface ReadCallOptions extends CallOptions {
  /**
   * Whether the registry itself is asked and no mirror, as before something is written there, or once a mirror has sent
   * something wrong. Default: false.
   */
  readonly avoidsMirrors?: boolean | undefined;
}

export interface ManifestCallOptions extends ReadCallOptions {
  /** The `Accept` header. Default: what `parseManifestDocument` reads; `RAW_MANIFEST_ACCEPT`: whatever is there. */
  readonly accept?: string | undefined;
}

/** A part of a list that a registry keeps in its own order. */
export interface ListCallOptions extends ReadCallOptions {
  /** Stops after so many. Default: 10 000. */
  readonly limit?: number | undefined;
  /** Begins after this one. */
  readonly last?: string | undefined;
}

/**
 * Reads from and writes to any number of registries over kept connections and remembers logins until it is closed.
 *
 * Requests that can be are repeated, for a minute, after failures that pass; a host that asks for a pause is given one.
 *
 * Every method throws `REGISTRY_UNREACHABLE`, `REGISTRY_UNAVAILABLE`, `TLS_FAILED`, `PROTOCOL_ERROR`, `REGISTRY_ERROR`,
 * `RATE_LIMITED`, `AUTH_REQUIRED`, `AUTH_DENIED`, `REALM_REFUSED`, `TOKEN_INVALID` and what the credential source throws,
 * besides its own.
 *
 * @see distribution-spec v1.1.1 spec.md#endpoints
 */
export interface RegistryClient extends AsyncDisposable {
  /**
   * The manifest or index under a tag or digest, at most 4 MiB, as bytes.
   *
   * @throws {WinchError} `MANIFEST_UNKNOWN`, `NAME_UNKNOWN`, `MANIFEST_TOO_LARGE`; `DIGEST_MISMATCH` when it was asked
   *   for by digest.
   */
  getManifest(repository: RepositoryName, tagOrDigest: string, options?: ManifestCallOptions): Promise<FetchedManifest>;
  /** What the registry says about a manifest without sending it; null when there is none. */
  headManifest(
    repository: RepositoryName,
    tagOrDigest: string,
    options?: ManifestCallOptions,
  ): Promise<ManifestHead | null>;
  /**
   * Stores a manifest, index or artifact manifest of at most 4 MiB under a tag or its own digest; what it names has to be
   * there before. Where it has a subject and the registry keeps no referrers, the index under the subject's tag is
   * updated as well.
   *
   * @throws {WinchError} `MANIFEST_TOO_LARGE`; `DIGEST_MISMATCH`: it is not what its name says, or the registry received
   *   something else; `MANIFEST_BLOB_UNKNOWN`: something it names is missing there; `MANIFEST_REFUSED`, `NAME_UNKNOWN`;
   *   `REFERRERS_UNWRITABLE`: it is stored, but its subject's tag cannot list it.
   * @see distribution-spec v1.1.1 spec.md#pushing-manifests, spec.md#pushing-manifests-with-subject
   */
  putManifest(
    repository: RepositoryName,
    tagOrDigest: string,
    manifest: ManifestDocument,
    options?: CallOptions,
  ): Promise<PushedManifest>;
  /**
   * Deletes a manifest with all its tags (by digest), or one tag alone (by tag). Never turns the one into the other. A
   * manifest with a subject is also taken out of the index under the subject's tag, where there is one.
   *
   * @throws {WinchError} `MANIFEST_UNKNOWN`, `NAME_UNKNOWN`; `DELETE_UNSUPPORTED`: the registry does not do it.
   * @see distribution-spec v1.1.1 spec.md#content-management
   */
  deleteManifest(repository: RepositoryName, digestOrTag: string, options?: CallOptions): Promise<void>;
  /**
   * Opens a blob from `offset` (bytes, default 0) to its end, or to before `end`. Reading yields exactly the bytes
   * between, or throws. The digest is not checked here: whoever keeps the bytes hashes them.
   *
   * Reading goes on in a new request where a connection breaks, until too little comes between two breaks; where the
   * registry gives no ranges, what is known is skipped; with an `end` nothing is.
   *
   * @throws {WinchError} `BLOB_UNKNOWN`; `SIZE_MISMATCH`; `RANGE_UNSUPPORTED`: there is an `end`, and the registry gives
   *   blobs whole (here or while reading).
   */
  openBlob(
    repository: RepositoryName,
    descriptor: Descriptor,
    options?: ReadCallOptions & {readonly offset?: number; readonly end?: number},
  ): Promise<BlobStream>;
  /**
   * As `openBlob`, for a layer that the registry need not hold: from the HTTPS places that its descriptor names, without
   * any login.
   *
   * @throws {WinchError} `FOREIGN_LAYER_UNAVAILABLE`: no place gives it, or none that may be asked.
   */
  openForeignBlob(
    repository: RepositoryName,
    descriptor: Descriptor,
    options?: CallOptions & {readonly offset?: number},
  ): Promise<BlobStream>;
  /** What the registry says about a blob without sending it; null when there is none. */
  headBlob(repository: RepositoryName, digest: Digest, options?: ReadCallOptions): Promise<BlobHead | null>;
  /**
   * Makes a blob present in a repository: not sent when it is there, mounted from `mountFrom` (another repository of the
   * same registry) where the registry does that, else uploaded, in pieces that are resumed. An upload that is given up
   * is cancelled at the registry.
   *
   * @throws {WinchError} `DIGEST_INVALID`: the registry received something else; `UPLOAD_FAILED`; `SIZE_MISMATCH`: the
   *   source ends early; whatever the source throws.
   * @see distribution-spec v1.1.1 spec.md#pushing-blobs
   */
  uploadBlob(
    repository: RepositoryName,
    blob: {readonly digest: Digest; readonly size: number; readonly source: BlobSource},
    options?: CallOptions & {readonly mountFrom?: string | undefined},
  ): Promise<UploadOutcome>;
  /**
   * Deletes a blob from a repository; manifests that name it are broken by that.
   *
   * @throws {WinchError} `BLOB_UNKNOWN`, `NAME_UNKNOWN`, `DELETE_UNSUPPORTED`
   */
  deleteBlob(repository: RepositoryName, digest: Digest, options?: CallOptions): Promise<void>;
  /**
   * The tags of a repository as the registry orders them.
   *
   * @throws {WinchError} `NAME_UNKNOWN`
   */
  listTags(repository: RepositoryName, options?: ListCallOptions): Promise<readonly string[]>;
  /**
   * Manifests that name `subject` as theirs, by the referrers API or else its tag; at most 10 000.
   *
   * @throws {WinchError} `NAME_UNKNOWN`, and those of `parseManifestDocument`.
   * @see distribution-spec v1.1.1 spec.md#listing-referrers
   */
  referrers(
    repository: RepositoryName,
    subject: Digest,
    options?: ReadCallOptions & {readonly artifactType?: string | undefined},
  ): Promise<ReferrersList>;
  /**
   * The repositories of a registry, by the catalog that the spec reserves for historical use.
   *
   * @throws {WinchError} `CATALOG_UNSUPPORTED`
   */
  catalog(registry: string, options?: ListCallOptions): Promise<readonly string[]>;
  /**
   * How many pulls the registry still grants, read from a reply that costs none; null where it does not say.
   *
   * @param options.reference A tag or digest to ask about. Default: `latest`; it need not exist.
   */
  rateLimit(
    repository: RepositoryName,
    options?: CallOptions & {readonly reference?: string | undefined},
  ): Promise<RateLimit | null>;
  /**
   * Asks a registry whether it takes this credential; what the client knows otherwise plays no part, and nothing is kept.
   *
   * @throws {WinchError} `AUTH_DENIED`
   */
  checkLogin(registry: string, credential: Credential, options?: CallOptions): Promise<CheckedLogin>;
  /** Ends kept connections; downloads that still run are cut. */
  close(): void;
}
