import {open, stat} from 'node:fs/promises';
import {hasErrno, WinchError} from '../../errors.ts';
import type {EventSink} from '../../events.ts';
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
  /** Resolves when something is known of it. */
  readonly begun: Promise<void>;
  /** Resolves when there may be more of it than at the call. */
  change(): Promise<void>;
  isDone(): boolean;
  /** Whether another process is at it, and is waited for. */
  isElsewhere(): boolean;
}

const READ_BYTES = 256 * 1024;
const STUCK_AFTER_MS = 1000;

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

/** Begins a download that tells how it gets on. */
export function startDownload(work: (onEvent: EventSink) => Promise<unknown>): Download {
  let next = Promise.withResolvers<void>();
  const begun = next.promise;
  const onProgress = () => {
    next.resolve();
    next = Promise.withResolvers<void>();
  };
  let [isDone, isElsewhere] = [false, false];
  const done = work(({type}) => {
    if (type === 'blob:waiting') isElsewhere = true;
    if (type === 'blob:started') isElsewhere = false;
    onProgress();
  }).then(() => {
    isDone = true;
  });
  done.then(onProgress, onProgress);
  return {done, begun, change: () => next.promise, isDone: () => isDone, isElsewhere: () => isElsewhere};
}

export interface FollowedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Reads past the store, from `offset` on. */
  openOrigin(offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * A blob that is read while it arrives, by any number of readers. Nobody gets its last byte before all of it is verified
 * and stored.
 *
 * Resolves once there is something to read.
 *
 * @throws whatever the download throws, here or while reading.
 */
export async function followDownload(store: Store, blob: FollowedBlob, download: Download): Promise<ServedBlob> {
  const {digest, size} = blob;
  const read = async function* (start: number, end: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let position = start; position < end; ) {
      signal.throwIfAborted();
      const [change, isDone] = [download.change(), download.isDone()];
      const stored = await openStoredBlob(store, digest);
      if (stored) return yield* stored.read(position, end, signal);
      const bytes = await readArrived(store.paths.partialBlob(digest), position, Math.min(end, size - 1));
      if (bytes.length > 0) yield bytes;
      else if (isDone) throw collected(digest);
      else if (await isStuck(download, change)) return yield* readOrigin(blob, {start: position, end, signal});
      position += bytes.length;
    }
  };
  await Promise.race([download.begun, download.done]);
  return {size, read};
}

/**
 * Waits for a change. Another process that gets no further may be the very one that reads here, by a mirror that leads to
 * its own store.
 */
async function isStuck(download: Download, change: Promise<void>): Promise<boolean> {
  const wait = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => wait.resolve(download.isElsewhere()), STUCK_AFTER_MS);
  try {
    return await Promise.race([wait.promise, Promise.race([change, download.done]).then(() => false)]);
  } finally {
    clearTimeout(timer);
  }
}

async function* readOrigin({openOrigin}: FollowedBlob, {start, end, signal}: Part): AsyncGenerator<Uint8Array> {
  let left = end - start;
  for await (const bytes of await openOrigin(start, signal)) {
    yield bytes.subarray(0, left);
    left -= Math.min(left, bytes.length);
    if (left === 0) return;
  }
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
