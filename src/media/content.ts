import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {RepositoryName} from '../registry/client.ts';
import type {BlobSource} from '../registry/uploads.ts';

/** A manifest or index with its bytes, verified against its descriptor. */
export interface ContentDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
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
  /** What the name leads to: a manifest or an index. */
  root(options: CallOptions): Promise<ContentDocument>;
  document(descriptor: Descriptor, options: CallOptions): Promise<ContentDocument>;
  blob(descriptor: Descriptor, options: CallOptions): BlobSource;
  /** Manifests that name `subject` as theirs; empty where the medium has no such list. */
  referrers(subject: Digest, options: CallOptions): Promise<readonly Descriptor[]>;
  /** From where another repository of the same registry can mount blobs; null: nowhere. */
  readonly repository: RepositoryName | null;
  close(): Promise<void>;
}

export interface PutOutcome {
  readonly outcome: 'uploaded' | 'mounted' | 'present';
  readonly sentBytes: number;
}

/**
 * Where an image goes. Blobs first, then documents from the leaves up, the root last: nothing is ever named before its
 * bytes are there.
 */
export interface ContentTarget {
  readonly name: string;
  /** The digest that the name leads to now; null: nothing. */
  current(options: CallOptions): Promise<Digest | null>;
  /** @param from What the blob is copied from, for a mount within one registry. */
  putBlob(descriptor: Descriptor, from: ContentSource, options: CallOptions): Promise<PutOutcome>;
  /** @param options.isRoot Whether the target's name is to lead to it. */
  putDocument(document: ContentDocument, options: CallOptions & {readonly isRoot: boolean}): Promise<PutOutcome>;
  /** Makes the target whole, after the root; a target that is closed without it is as it was before, as far as it goes. */
  finish(options: CallOptions): Promise<void>;
  close(): Promise<void>;
}
