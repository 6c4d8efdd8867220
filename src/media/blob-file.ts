import {constants} from 'node:fs';
import {type FileHandle, open, rename, rm, stat} from 'node:fs/promises';
import {dirname} from 'node:path';
import {hasErrno, isWinchError, WinchError} from '../errors.ts';
import {syncDirectory} from '../host/atomic-write.ts';
import {readRegion} from '../host/file-regions.ts';
import {releaseWhole} from '../host/release-memory.ts';
import {storageError} from '../host/storage-error.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {createDigester, type Digest, digestAlgorithm} from '../oci/digest.ts';
import type {BlobSource} from '../registry/uploads.ts';
import {FILE_MODE, makeDirectory, type WriteOptions, writeFully} from './layout-files.ts';

export interface BlobPlace {
  readonly path: string;
  /** Where its bytes are gathered, and stay when that is broken off; nobody else writes it meanwhile. */
  readonly partial: string;
}

export interface BlobToWrite {
  readonly descriptor: Descriptor;
  /** Its chunks are used up. */
  readonly source: BlobSource;
  /** Called with the offset at which an earlier attempt is gone on with. */
  readonly onResumed: (offset: number) => void;
  /** Called with the bytes that were written so far. */
  readonly onWritten: (bytes: number) => void;
}

const BATCH_BYTES = 512 * 1024;
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * Writes a blob, which gets its name only when its size and digest are right. What an earlier attempt left is hashed and
 * gone on with, or dropped when it turns out to be wrong.
 *
 * @returns bytes that came from the source
 * @throws {WinchError} `SIZE_MISMATCH` | `DIGEST_MISMATCH` | `STORE_FULL` … | what the source throws
 */
export async function writeBlobFile(place: BlobPlace, blob: BlobToWrite, options: WriteOptions): Promise<number> {
  const {path, partial} = place;
  try {
    await makeDirectory(dirname(partial));
    const received = await receive(partial, blob, options);
    await rename(partial, path);
    if (options.durability === 'full') await syncDirectory(dirname(path));
    return received;
  } catch (error) {
    if (isWinchError(error) && error.kind === 'refused') await rm(partial, {force: true});
    throw storageError(error, path);
  }
}

async function receive(partial: string, blob: BlobToWrite, options: WriteOptions): Promise<number> {
  const kept = await keptBytes(partial, blob.descriptor);
  try {
    if (kept > 0) blob.onResumed(kept);
    return await append(partial, {blob, kept}, options);
  } catch (error) {
    const isKeptToBlame = isWinchError(error, 'DIGEST_MISMATCH') || isWinchError(error, 'RANGE_REFUSED');
    if (kept === 0 || !isKeptToBlame) throw error;
    await rm(partial, {force: true});
    return await append(partial, {blob, kept: 0}, options);
  }
}

async function keptBytes(partial: string, {size}: Descriptor): Promise<number> {
  try {
    const kept = (await stat(partial)).size;
    if (kept <= size) return kept;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
  await rm(partial, {force: true});
  return 0;
}

interface Appending {
  readonly blob: BlobToWrite;
  readonly kept: number;
}

async function append(partial: string, {blob, kept}: Appending, {durability, signal}: WriteOptions): Promise<number> {
  const {descriptor, source, onWritten} = blob;
  const {digest, size} = descriptor;
  const digester = createDigester(digestAlgorithm(digest));
  if (kept > 0) {
    for await (const chunk of readRegion({path: partial, offset: 0, size: kept}, 0, {signal})) digester.update(chunk);
  }
  await using file = await open(partial, APPEND, FILE_MODE);
  const batches = openBatches(file);
  let written = kept;
  for await (const chunk of source.open(kept, {signal})) {
    signal?.throwIfAborted();
    written += chunk.length;
    if (written > size) throw mismatch('SIZE_MISMATCH', digest, `more than its ${size} bytes`);
    digester.update(chunk);
    await batches.write(chunk);
    onWritten(written);
  }
  if (written !== size) throw mismatch('SIZE_MISMATCH', digest, `${written} bytes and not ${size}`);
  if (digester.digest() !== digest) throw mismatch('DIGEST_MISMATCH', digest, 'another digest');
  await batches.end();
  if (durability === 'full') await file.datasync();
  return written - kept;
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
  for (const chunk of batch) releaseWhole(chunk);
}

const mismatch = (code: string, digest: Digest, found: string): WinchError =>
  new WinchError(code, `the bytes that came for blob ${digest} have ${found}`, {
    kind: 'refused',
    hint: 'the source or something on the way serves wrong data; nothing was kept',
  });
