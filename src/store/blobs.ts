import {readFileSync, type Stats, statSync} from 'node:fs';
import {type FileHandle, mkdir, open, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {commitFile, type Durability, ensureDirectory, writeFileAtomic} from '../host/atomic-write.ts';
import {releaseMemory} from '../host/release-memory.ts';
import {storageError} from '../host/storage-error.ts';
import {createDigester, type Digest, digestAlgorithm, digestHex} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';
import {readVerified} from './verified-read.ts';

const FILE_MODE = 0o600;
/** Written bytes after which the kernel is asked to start writing back, so that the last sync is short. */
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;
/** What Node reads from a socket at once; larger than its pool of small buffers. */
const NETWORK_CHUNK_BYTES = 64 * 1024;

export interface BlobDescriptor {
  readonly digest: Digest;
  readonly size: number;
}

export interface ReceiveOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the total bytes that are readable in `path` so far. */
  readonly onReceived?: (bytes: number) => void;
}

/** A download on its way into the store; its holder has the lock of its digest. */
export interface Ingest {
  /** The partial file: readable while it grows. */
  readonly path: string;
  /**
   * Writes the whole of `source`, whose chunks are used up, then checks its size and digest and makes the bytes durable.
   *
   * @throws {WinchError} `SIZE_MISMATCH` | `DIGEST_MISMATCH` | `STORE_FULL` …
   */
  receive(source: AsyncIterable<Uint8Array>, options?: ReceiveOptions): Promise<void>;
  /** Moves the received blob to its place; only after `receive` has resolved. */
  commit(): Promise<void>;
  /** Removes the partial file; without effect after `commit`. */
  discard(): Promise<void>;
}

/** Bytes by digest. Readers never see partial bytes; a path exists only for verified content. */
export interface BlobStore {
  has(blob: BlobDescriptor): boolean;
  path(digest: Digest): string;
  /** @throws {WinchError} `BLOB_MISSING` | `STORE_CORRUPT` (the digest is checked again) | `LIMIT_BLOB` */
  read(digest: Digest, limitBytes: number): Buffer;
  /** Stores a small document under the digest that it is known to have, replacing a damaged one; idempotent. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  openIngest(blob: BlobDescriptor): Promise<Ingest>;
}

/** @see image-spec v1.1.1 descriptor.md#verification, image-layout.md#blobs */
export function createBlobStore(paths: StorePaths, durability: Durability): BlobStore {
  return {
    has: ({digest, size}) => statOrNull(paths.blob(digest))?.size === size,
    path: (digest) => paths.blob(digest),
    read: (digest, limitBytes) => readVerified(paths.blob(digest), digest, limitBytes),
    put: async (digest, bytes) => {
      const path = paths.blob(digest);
      if (!isStored(path, bytes)) await writeFileAtomic(path, bytes, {durability, mode: FILE_MODE});
    },
    openIngest: (blob) => openIngest(paths, blob, durability),
  };
}

async function openIngest(paths: StorePaths, blob: BlobDescriptor, durability: Durability): Promise<Ingest> {
  const path = join(paths.ingest, `blob-${digestAlgorithm(blob.digest)}-${digestHex(blob.digest)}`);
  const target = paths.blob(blob.digest);
  try {
    await mkdir(paths.ingest, {recursive: true, mode: 0o700});
    await ensureDirectory(dirname(target), durability);
    await rm(path, {force: true});
    const file = await open(path, 'wx', FILE_MODE);
    await file.close();
  } catch (error) {
    throw storageError(error, path);
  }
  let isVerified = false;
  return {
    path,
    receive: async (source, options = {}) => {
      await receive({path, blob, durability}, source, options);
      isVerified = true;
    },
    commit: async () => {
      if (!isVerified) throw new Error(`blob ${blob.digest} was not received`);
      await commitFile(path, target, durability).catch((error: unknown) => {
        throw storageError(error, target);
      });
    },
    discard: () => rm(path, {force: true}),
  };
}

interface IngestTarget {
  readonly path: string;
  readonly blob: BlobDescriptor;
  readonly durability: Durability;
}

async function receive(target: IngestTarget, source: AsyncIterable<Uint8Array>, options: ReceiveOptions) {
  const {path, blob, durability} = target;
  const digester = createDigester(digestAlgorithm(blob.digest));
  const file = await open(path, 'r+').catch((error: unknown) => {
    throw storageError(error, path);
  });
  let received = 0;
  let unsynced = 0;
  let background: Promise<unknown> = Promise.resolve();
  try {
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      if (received + chunk.length > blob.size) throw sizeMismatch(blob, `more than ${blob.size}`);
      digester.update(chunk);
      await writeFully(file, chunk);
      received += chunk.length;
      unsynced += chunk.length;
      releaseMemory(chunk, NETWORK_CHUNK_BYTES);
      options.onReceived?.(received);
      if (durability === 'full' && unsynced >= SYNC_EVERY_BYTES) {
        unsynced = 0;
        background = background.then(() => file.datasync());
        background.catch(() => {});
      }
    }
    if (received !== blob.size) throw sizeMismatch(blob, String(received));
    if (digester.digest() !== blob.digest) throw digestMismatch(blob);
    await background;
    if (durability === 'full') await file.datasync();
  } catch (error) {
    throw storageError(error, path);
  } finally {
    await background.catch(() => {});
    await file.close();
  }
}

/** A write may take less than it is given, on a disk that gets full above all. */
async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

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

const sizeMismatch = (blob: BlobDescriptor, found: string) =>
  new WinchError('SIZE_MISMATCH', `blob ${blob.digest} should have ${blob.size} bytes and has ${found}`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data; nothing was kept',
  });

const digestMismatch = (blob: BlobDescriptor) =>
  new WinchError('DIGEST_MISMATCH', `the bytes received for blob ${blob.digest} have another digest`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data; nothing was kept',
  });
