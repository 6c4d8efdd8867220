import {closeSync, openSync} from 'node:fs';
import {type FileHandle, open, rm, stat, truncate} from 'node:fs/promises';
import {dirname} from 'node:path';
import {isSystemError, isWinchError, WinchError} from '../errors.ts';
import {commitFile, type DirectoryKeeper, type Durability, syncFile} from '../host/atomic-write.ts';
import {storageError} from '../host/storage-error.ts';
import {createDigester, type Digest, digestAlgorithm} from '../oci/digest.ts';
import {openAppender} from './appender.ts';
import type {StorePaths} from './paths.ts';

const FILE_MODE = 0o600;
const REREAD_BYTES = 1024 * 1024;
/** What the database, the locks and the leases of a prune take, several times over. */
const GIVEN_BACK_BYTES = 1024 * 1024;

export interface BlobDescriptor {
  readonly digest: Digest;
  readonly size: number;
}

export interface ReceiveOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the total bytes that are readable in `path` so far. */
  readonly onReceived?: ((bytes: number) => void) | undefined;
}

/** Opens what brings a blob's bytes from `offset` on; the chunks that it yields are used up. */
export type BlobOpener = (offset: number) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;

/** A download on its way into the store; its holder has the lock of its digest. */
export interface Ingest {
  /** The partial file: readable while it grows. It outlives failures and processes, and the next attempt goes on from it. */
  readonly path: string;
  /**
   * Adds what the partial file lacks, then checks the size and digest of all of it.
   *
   * Nothing is opened when nothing is lacking. What was received stays whatever happens; bytes that turned out to be
   * wrong are the caller's to discard, once nobody reads the file any more, and no part of a further call.
   *
   * @returns bytes that came from the source.
   * @throws {WinchError} `SIZE_MISMATCH` | `DIGEST_MISMATCH` | `STORE_FULL` …
   */
  receive(open: BlobOpener, options?: ReceiveOptions): Promise<number>;
  /** Makes the received blob durable and moves it to its place; only after `receive` has resolved. */
  commit(): Promise<void>;
  /** Removes the partial file; without effect after `commit`. */
  discard(): Promise<void>;
  /** Shortens the partial file, once nobody reads it any more: on a full disk nothing can be freed without some space. */
  giveBack(): Promise<void>;
}

export interface IngestOptions {
  readonly durability: Durability;
  readonly keepDirectory: DirectoryKeeper;
}

/** Starts a download, or goes on with what an earlier one left. */
export async function openIngest(
  paths: StorePaths,
  blob: BlobDescriptor,
  {durability, keepDirectory}: IngestOptions,
): Promise<Ingest> {
  const [path, target] = [paths.partialBlob(blob.digest), paths.blob(blob.digest)];
  try {
    await keepDirectory(paths.ingest);
    await keepDirectory(dirname(target));
    closeSync(openSync(path, 'a', FILE_MODE));
  } catch (error) {
    throw storageError(error, path);
  }
  let isVerified = false;
  let isWrong = false;
  return {
    path,
    receive: async (source, options = {}) => {
      if (isWrong) await truncate(path);
      isWrong = false;
      try {
        const received = await receive({path, blob, durability}, source, options);
        isVerified = true;
        return received;
      } catch (error) {
        isWrong = isWinchError(error) && error.kind === 'refused';
        throw error;
      }
    },
    commit: async () => {
      if (!isVerified) throw new Error(`blob ${blob.digest} was not received`);
      try {
        if (durability === 'full') await syncFile(path);
        await commitFile(path, target, durability);
      } catch (error) {
        throw storageError(error, target);
      }
    },
    discard: () => rm(path, {force: true}),
    giveBack: () => giveBack(path),
  };
}

async function giveBack(path: string): Promise<void> {
  try {
    const {size} = await stat(path);
    await truncate(path, Math.max(0, size - GIVEN_BACK_BYTES));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    await rm(path, {force: true});
  }
}

interface IngestTarget {
  readonly path: string;
  readonly blob: BlobDescriptor;
  readonly durability: Durability;
}

async function receive(target: IngestTarget, source: BlobOpener, options: ReceiveOptions): Promise<number> {
  try {
    await using file = await open(target.path, 'r+');
    return await complete(file, {...target, source}, options);
  } catch (error) {
    throw storageError(error, target.path);
  }
}

async function complete(
  file: FileHandle,
  {blob, durability, source}: IngestTarget & {readonly source: BlobOpener},
  {signal, onReceived}: ReceiveOptions,
): Promise<number> {
  const digester = createDigester(digestAlgorithm(blob.digest));
  const held = await reread(file, {blob, digester}, {signal, onReceived});
  const appender = openAppender(file, {offset: held, isSynced: durability === 'full', onWritten: onReceived});
  let position = held;
  try {
    // An empty blob is asked for as well: that it is there has not been said before.
    for await (const chunk of held > 0 && held === blob.size ? [] : await source(held)) {
      signal?.throwIfAborted();
      position += chunk.length;
      if (position > blob.size) throw sizeMismatch(blob, `more than ${blob.size}`);
      digester.update(chunk);
      await appender.append(chunk);
    }
  } finally {
    await appender.flush();
  }
  if (position !== blob.size) throw sizeMismatch(blob, String(position));
  const actual = digester.digest();
  if (actual !== blob.digest) throw digestMismatch(blob, actual);
  await appender.finish();
  return position - held;
}

/**
 * Hashes what an earlier attempt left, at about 1 GB/s.
 *
 * @returns its length; 0 for what is longer than the blob, which is cleared.
 */
async function reread(
  file: FileHandle,
  {blob, digester}: {readonly blob: BlobDescriptor; readonly digester: ReturnType<typeof createDigester>},
  {signal, onReceived}: ReceiveOptions,
): Promise<number> {
  const {size} = await file.stat();
  if (size > blob.size) {
    await file.truncate();
    return 0;
  }
  if (size > 0) onReceived?.(size);
  const buffer = Buffer.allocUnsafeSlow(Math.min(REREAD_BYTES, size));
  for (let position = 0; position < size; ) {
    signal?.throwIfAborted();
    const {bytesRead} = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new Error(`a partial download of ${blob.digest} became shorter while it was read`);
    digester.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return size;
}

const sizeMismatch = (blob: BlobDescriptor, found: string) =>
  new WinchError('SIZE_MISMATCH', `blob ${blob.digest} should have ${blob.size} bytes and has ${found}`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data; nothing was kept',
  });

const digestMismatch = ({digest}: BlobDescriptor, actual: Digest) =>
  new WinchError('DIGEST_MISMATCH', `the bytes received for blob ${digest} have the digest ${actual}`, {
    kind: 'refused',
    hint: 'the registry or a proxy serves wrong data; nothing was kept',
    details: {expected: digest, actual},
  });
