import {readFileSync, type Stats, statSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {createDirectoryKeeper, type Durability, writeFileAtomic} from '../host/atomic-write.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestAlgorithm, digestHex} from '../oci/digest.ts';
import {type BlobDescriptor, type Ingest, openIngest} from './ingest.ts';
import type {StorePaths} from './paths.ts';
import {readVerified} from './verified-read.ts';

const FILE_MODE = 0o600;

export type {BlobDescriptor, Ingest} from './ingest.ts';

/** Bytes by digest. Readers never see partial bytes; a path exists only for verified content. */
export interface BlobStore {
  has(blob: BlobDescriptor): boolean;
  path(digest: Digest): string;
  /** @throws {WinchError} `BLOB_MISSING` | `STORE_CORRUPT` (the digest is checked again) | `LIMIT_BLOB` */
  read(digest: Digest, limitBytes: number): Buffer;
  /** Stores a small document under the digest that it is known to have, replacing a damaged one; idempotent. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** How much an unfinished download has brought so far, in whichever process; 0: there is none. */
  partialBytes(digest: Digest): number;
  openIngest(blob: BlobDescriptor): Promise<Ingest>;
}

/** @see image-spec v1.1.1 descriptor.md#verification, image-layout.md#blobs */
export function createBlobStore(paths: StorePaths, durability: Durability): BlobStore {
  const keepDirectory = createDirectoryKeeper(durability);
  return {
    has: ({digest, size}) => statOrNull(paths.blob(digest))?.size === size,
    path: (digest) => paths.blob(digest),
    read: (digest, limitBytes) => readVerified(paths.blob(digest), digest, limitBytes),
    put: async (digest, bytes) => {
      const path = paths.blob(digest);
      const staging = stagedDocument(paths, digest);
      if (!isStored(path, bytes)) await writeFileAtomic(path, bytes, {durability, mode: FILE_MODE, staging});
    },
    partialBytes: (digest) => statOrNull(paths.partialBlob(digest))?.size ?? 0,
    openIngest: (blob) => openIngest(paths, blob, {durability, keepDirectory}),
  };
}

/** What a killed process leaves there is garbage by its place, and never looks like a blob. */
const stagedDocument = ({ingest}: StorePaths, digest: Digest): string =>
  join(ingest, `document-${digestAlgorithm(digest)}-${digestHex(digest)}-${randomHex(4)}`);

const isStored = (path: string, bytes: Uint8Array): boolean =>
  statOrNull(path)?.size === bytes.length && readFileSync(path).equals(bytes);

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw storageError(error, path);
  }
}
