import {randomBytes} from 'node:crypto';
import {type FileHandle, link, mkdir, open, rename, rm, stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {type Durability, syncDirectory} from '../host/atomic-write.ts';
import {readRegion} from '../host/file-regions.ts';
import {releaseMemory} from '../host/release-memory.ts';
import {storageError} from '../host/storage-error.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {createDigester, type Digest, digestAlgorithm} from '../oci/digest.ts';

export interface WriteOptions {
  readonly durability: Durability;
  readonly signal?: AbortSignal | undefined;
}

/** Others may read what is written for them; the umask has the last word. */
const FILE_MODE = 0o644;
/** What Node reads from a socket at once; larger than its pool of small buffers. */
const NETWORK_CHUNK_BYTES = 64 * 1024;
const BATCH_BYTES = 512 * 1024;
const DIRECTORY_MODE = 0o777;

/** Makes a directory and those above it, as the umask has it. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, {recursive: true, mode: DIRECTORY_MODE});
  } catch (error) {
    if (hasErrno(error, 'EEXIST', 'ENOTDIR')) throw occupied(path);
    throw storageError(error, path);
  }
}

/** Whether a whole blob is there, and not what some tool left of it. */
export async function hasBlobFile(path: string, {digest, size}: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean> {
  if (!(await hasFile(path, size))) return false;
  const digester = createDigester(digestAlgorithm(digest));
  for await (const chunk of readRegion({path, offset: 0, size})) digester.update(chunk);
  return digester.digest() === digest;
}

/** Whether a file of this size is there. */
export async function hasFile(path: string, bytes: number): Promise<boolean> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size === bytes;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw storageError(error, path);
  }
}

/** Writes a whole file, which others see whole or not at all. */
export async function writeSmallFile(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  await writeAside(path, options, async (write) => await write(bytes));
}

export interface BlobToWrite {
  readonly descriptor: Descriptor;
  /** Its chunks are used up. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Called with the bytes that were written so far. */
  readonly onWritten: (bytes: number) => void;
}

/**
 * Writes a blob, which gets its name only when its size and digest are right.
 *
 * @throws {WinchError} `SIZE_MISMATCH` | `DIGEST_MISMATCH` | `STORE_FULL` … | what the source throws
 */
export async function writeBlobFile(path: string, blob: BlobToWrite, options: WriteOptions): Promise<void> {
  const {descriptor, source, onWritten} = blob;
  const {digest, size} = descriptor;
  await writeAside(path, options, async (write) => {
    const digester = createDigester(digestAlgorithm(digest));
    let written = 0;
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      written += chunk.length;
      if (written > size) throw mismatch('SIZE_MISMATCH', digest, `more than its ${size} bytes`);
      digester.update(chunk);
      await write(chunk);
      onWritten(written);
    }
    if (written !== size) throw mismatch('SIZE_MISMATCH', digest, `${written} bytes and not ${size}`);
    if (digester.digest() !== digest) throw mismatch('DIGEST_MISMATCH', digest, 'another digest');
  });
}

/** Gives a file a second name; false where that cannot be. */
export async function linkFile(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOENT', 'EACCES', 'EEXIST', 'ENOSYS')) return false;
    throw storageError(error, path);
  }
}

type Write = (bytes: Uint8Array) => Promise<void>;

async function writeAside(path: string, {durability}: WriteOptions, fill: (write: Write) => Promise<void>) {
  const staging = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    {
      await using file = await open(staging, 'wx', FILE_MODE);
      const batches = openBatches(file);
      await fill(batches.write);
      await batches.end();
      if (durability === 'full') await file.datasync();
    }
    await rename(staging, path);
    if (durability === 'full') await syncDirectory(dirname(path));
  } catch (error) {
    await rm(staging, {force: true}).catch(() => {});
    throw storageError(error, path);
  }
}

/** Few large writes, one of them under way while the next is gathered; a socket's pieces are small. */
function openBatches(file: FileHandle) {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async () => {
    await writing;
    writing = writeBatch(file, batch);
    writing.catch(() => {});
    [batch, bytes] = [[], 0];
  };
  return {
    write: async (chunk: Uint8Array) => {
      batch.push(chunk);
      bytes += chunk.length;
      if (bytes >= BATCH_BYTES) await flush();
    },
    end: async () => {
      await flush();
      await writing;
    },
  };
}

async function writeBatch(file: FileHandle, batch: readonly Uint8Array[]): Promise<void> {
  if (batch.length === 0) return;
  const {bytesWritten} = await file.writev(batch);
  const bytes = batch.reduce((sum, {length}) => sum + length, 0);
  if (bytesWritten < bytes) await writeFully(file, Buffer.concat(batch).subarray(bytesWritten));
  for (const chunk of batch) releaseMemory(chunk, NETWORK_CHUNK_BYTES);
}

/** A write may take less than it is given, on a disk that gets full above all. */
async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

/** `join` for paths that a layout names with slashes. */
export const below = (directory: string, path: string): string => join(directory, ...path.split('/'));

const mismatch = (code: string, digest: Digest, found: string): WinchError =>
  new WinchError(code, `the bytes that came for blob ${digest} have ${found}`, {
    kind: 'refused',
    hint: 'the source or something on the way serves wrong data; nothing was kept',
  });

const occupied = (path: string): WinchError =>
  new WinchError('LAYOUT_UNUSABLE', `${path} is no directory`, {
    kind: 'invalid',
    hint: 'name a directory, or a new one',
  });
