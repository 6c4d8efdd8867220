import {open, stat} from 'node:fs/promises';
import {hasErrno, WinchError} from '../../errors.ts';
import {readRegion} from '../../host/file-regions.ts';
import {storageError} from '../../host/storage-error.ts';
import type {Digest} from '../../oci/digest.ts';
import type {Store} from '../../store/store.ts';

export interface ServedBlob {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` up to and without `end`, as they come. */
  read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A blob on its way into the store. */
export interface Download {
  /** Settles when it is stored, or will not be. */
  readonly done: Promise<void>;
  /** Resolves when there may be more of it than at the call. */
  change(): Promise<void>;
  isDone(): boolean;
}

const READ_BYTES = 256 * 1024;

/** A blob that is stored; null: it is not. */
export async function openStoredBlob(store: Store, digest: Digest): Promise<ServedBlob | null> {
  const path = store.blobs.path(digest);
  try {
    const {size} = await stat(path);
    return {size, read: (start, end, signal) => readStored(path, {start, end, signal})};
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw storageError(error, path);
  }
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
}

async function* readStored(path: string, {start, end, signal}: Part): AsyncGenerator<Buffer> {
  try {
    yield* readRegion({path, offset: 0, size: end}, start, {signal});
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Begins a download that tells by calling back that it has got further. */
export function startDownload(work: (onProgress: () => void) => Promise<unknown>): Download {
  let next = Promise.withResolvers<void>();
  const onProgress = () => {
    next.resolve();
    next = Promise.withResolvers<void>();
  };
  let isDone = false;
  const done = work(onProgress).then(() => {
    isDone = true;
  });
  done.then(onProgress, onProgress);
  return {done, change: () => next.promise, isDone: () => isDone};
}

/**
 * A blob that is read while it arrives, by any number of readers. Nobody gets its last byte before all of it is verified
 * and stored.
 *
 * Resolves once there is something to read.
 *
 * @throws whatever the download throws, here or while reading.
 */
export async function followDownload(
  store: Store,
  {digest, size}: {readonly digest: Digest; readonly size: number},
  download: Download,
): Promise<ServedBlob> {
  const read = async function* (start: number, end: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let position = start; position < end; ) {
      signal.throwIfAborted();
      const [change, isDone] = [download.change(), download.isDone()];
      const stored = await openStoredBlob(store, digest);
      if (stored) return yield* stored.read(position, end, signal);
      const bytes = await readArrived(store.paths.partialBlob(digest), position, Math.min(end, size - 1));
      if (bytes.length > 0) yield bytes;
      else if (isDone) throw collected(digest);
      else await Promise.race([change, download.done]);
      position += bytes.length;
    }
  };
  await Promise.race([download.change(), download.done]);
  return {size, read};
}

/** Garbage was collected between its end and now. */
const collected = (digest: Digest) =>
  new WinchError('BLOB_UNKNOWN', `blob ${digest} was removed from the store meanwhile`, {kind: 'not-found'});

/** Nothing where there is no more yet. */
async function readArrived(path: string, start: number, end: number): Promise<Buffer> {
  if (end <= start) return Buffer.alloc(0);
  try {
    await using file = await open(path);
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - start));
    const {bytesRead} = await file.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return Buffer.alloc(0);
    throw storageError(error, path);
  }
}
