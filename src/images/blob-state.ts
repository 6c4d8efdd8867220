import {existsSync} from 'node:fs';
import {isWinchError} from '../errors.ts';
import type {BlobDescriptor} from '../store/blobs.ts';
import type {Store} from '../store/store.ts';
import {hasLayerFileAlone} from './dropped-blobs.ts';

/** `fetching`: somebody else is at it right now. */
export type PlannedBlobState = 'present' | 'partial' | 'fetching' | 'missing';

export interface BlobState {
  readonly state: PlannedBlobState;
  readonly storedBytes: number;
}

/** How much of a blob is stored; of one that was dropped and is not needed, all of it. */
export async function blobState(
  store: Store,
  blob: BlobDescriptor,
  signal: AbortSignal | undefined,
): Promise<BlobState> {
  const {digest, size} = blob;
  if (store.blobs.has(blob) || hasLayerFileAlone(store, digest)) return {state: 'present', storedBytes: size};
  const storedBytes = Math.min(store.blobs.partialBytes(digest), size);
  // A look at the lock would make its directory, and where nothing was begun nobody holds it.
  const isBegun = existsSync(store.paths.partialBlob(digest));
  if (isBegun && (await isLocked(store, blob, signal))) return {state: 'fetching', storedBytes};
  return {state: storedBytes > 0 ? 'partial' : 'missing', storedBytes};
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
