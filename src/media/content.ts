import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import type {Manifest} from '../oci/manifest.ts';
import type {RepositoryName} from '../registry/client.ts';
import type {BlobSource} from '../registry/uploads.ts';

/** A manifest or index with its bytes, verified against its descriptor. */
export interface ContentDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly document: Manifest | ImageIndex;
}

/** By what a document is asked for: its digest, and what else must hold. */
export type DocumentName = Pick<Descriptor, 'digest'> & Partial<Descriptor>;

export interface BlobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether a layer that the medium does not hold may be fetched from where its descriptor says. */
  readonly foreign?: boolean | undefined;
}

/**
 * Where an image comes from: a repository, an OCI layout, an archive or the store, behind one contract.
 *
 * Documents and blobs are asked for by descriptors that `root` leads to. Documents are verified; whoever keeps a blob
 * hashes it.
 */
export interface ContentSource {
  /** As the user wrote it, for messages. */
  readonly name: string;
  /** The digest of `root`, by as little work as can be. */
  rootDigest(options: CallOptions): Promise<Digest>;
  /** What the name leads to: a manifest or an index. */
  root(options: CallOptions): Promise<ContentDocument>;
  document(name: DocumentName, options: CallOptions): Promise<ContentDocument>;
  blob(descriptor: Descriptor, options?: BlobOptions): BlobSource;
  /** A file that is the whole blob and never changes; null: there is none. */
  blobFile(digest: Digest): string | null;
  /** Manifests that name `subject` as theirs; empty where the medium has no such list. */
  referrers(subject: Digest, options: CallOptions): Promise<readonly Descriptor[]>;
  /** From where another repository of the same registry can mount blobs. */
  readonly repositories: readonly RepositoryName[];
  close(): Promise<void>;
}

export interface PutOutcome {
  readonly outcome: 'uploaded' | 'mounted' | 'present';
  readonly sentBytes: number;
}

/**
 * - `root`: the target's name is to lead to it
 * - `referrer`: nothing but its own subject leads to it
 * - `member`: some other document names it
 */
export type DocumentRole = 'root' | 'member' | 'referrer';

/**
 * Where an image goes. Blobs first, then documents from the leaves up, the root last: nothing is ever named before its
 * bytes are there.
 */
export interface ContentTarget {
  readonly name: string;
  /** Whether it takes no index. */
  readonly isSingleImage: boolean;
  /** Refuses what it cannot hold, before anything is written. */
  requireSuitable(document: ContentDocument): void;
  /** The digest that the name leads to now, with all that belongs to it; null: nothing, or not all of it. */
  current(options: CallOptions): Promise<Digest | null>;
  hasBlob(descriptor: Descriptor, options: CallOptions): Promise<boolean>;
  /** @param from What the blob is copied from, for a mount within one registry. */
  putBlob(
    descriptor: Descriptor,
    from: ContentSource,
    options: CallOptions & {readonly foreign?: boolean | undefined},
  ): Promise<PutOutcome>;
  putDocument(document: ContentDocument, options: CallOptions & {readonly role: DocumentRole}): Promise<PutOutcome>;
  /** Makes the target whole, after the root; a target that is closed without it is as it was before, as far as it goes. */
  finish(options: CallOptions): Promise<void>;
  close(): Promise<void>;
}
