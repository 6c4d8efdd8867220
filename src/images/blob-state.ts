import {stat} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno, isWinchError} from '../errors.ts';
import {digestAlgorithm, digestHex} from '../oci/digest.ts';
import type {BlobDescriptor} from '../store/blobs.ts';
import type {Store} from '../store/store.ts';

/** `fetching`: somebody else is at it right now. */
export type PlannedBlobState = 'present' | 'partial' | 'fetching' | 'missing';

export interface BlobState {
  readonly state: PlannedBlobState;
  readonly storedBytes: number;
}

/** How much of a blob is stored. */
export async function blobState(
  store: Store,
  blob: BlobDescriptor,
  signal: AbortSignal | undefined,
): Promise<BlobState> {
  if (store.blobs.has(blob)) return {state: 'present', storedBytes: blob.size};
  const partialBytes = await partialSize(store, blob);
  if (partialBytes === null) return {state: 'missing', storedBytes: 0};
  if (await isLocked(store, blob, signal)) return {state: 'fetching', storedBytes: partialBytes};
  return {state: partialBytes > 0 ? 'partial' : 'missing', storedBytes: partialBytes};
}

async function partialSize({paths}: Store, {digest, size}: BlobDescriptor): Promise<number | null> {
  try {
    const file = await stat(join(paths.ingest, `blob-${digestAlgorithm(digest)}-${digestHex(digest)}`));
    return Math.min(file.size, size);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

async function isLocked(store: Store, {digest}: BlobDescriptor, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    (await store.lock('blob', digest, {timeoutMs: 0, signal})).release();
    return false;
  } catch (error) {
    // Where nothing can be written, nobody is downloading.
    if (isWinchError(error) && error.kind === 'storage') return error.code === 'LOCK_TIMEOUT';
    throw error;
  }
}
