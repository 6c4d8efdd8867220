import {createReadStream, type Stats} from 'node:fs';
import {mkdir, realpath, rm, stat} from 'node:fs/promises';
import {dirname} from 'node:path';
import {addAbortSignal} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import {hasErrno, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {FileRegion} from '../../host/file-regions.ts';
import {storageError} from '../../host/storage-error.ts';
import {SIGNATURE_BYTES} from '../../layers/compression.ts';
import {peekStream} from '../../layers/peek-stream.ts';
import {openArchiveFiles} from '../../media/archive-files.ts';
import {canBeLayer, decompressArchive} from '../../media/decompress-archive.ts';
import {type FileSet, openDirectoryFiles} from '../../media/file-set.ts';
import {spareBytes, writeWithin} from '../../media/packed-archive.ts';
import {tellReading} from '../../media/tell-reading.ts';
import type {Lease} from '../../store/leases.ts';

/** A file, a pipe or a directory by its path, or bytes as they come. */
export type ArchiveInput = string | AsyncIterable<Uint8Array>;

/**
 * The files of an archive or a layout. What can be read only once is kept unpacked in the store's ingest area until they
 * are closed, and as long as the lease lasts.
 *
 * @throws {WinchError} `ARCHIVE_MISSING` | `ARCHIVE_INVALID` | `LIMIT_UNPACKED` | as `decompressArchive`
 */
export async function openInput(lease: Lease, input: ArchiveInput, options: CallOptions): Promise<FileSet> {
  if (typeof input !== 'string') return await spool(lease, {name: 'the input', bytes: input}, options);
  const stats = await statInput(input);
  if (stats.isDirectory()) return openDirectoryFiles(input);
  if (stats.isFile()) return {...(await openArchiveFiles(await realpath(input), options)), name: input};
  return await spool(lease, {name: input, bytes: openStream(input, options.signal)}, options);
}

export interface InputFile extends AsyncDisposable {
  readonly region: FileRegion;
}

/**
 * One file, read as often as needed; what can be read only once as {@link openInput} keeps it. What no layer may be packed
 * by is unpacked, all else as it is.
 *
 * @throws {WinchError} `ARCHIVE_MISSING` | `FILE_UNUSABLE` (a directory) | `LIMIT_UNPACKED`
 */
export async function openInputFile(lease: Lease, input: ArchiveInput, {signal}: CallOptions): Promise<InputFile> {
  const stats = typeof input === 'string' ? await statInput(input) : null;
  if (typeof input === 'string' && stats?.isFile() && (await isForLayer(input))) {
    const region = {path: await realpath(input), offset: 0, size: stats.size};
    return {region, [Symbol.asyncDispose]: async () => {}};
  }
  if (typeof input === 'string' && stats?.isDirectory()) throw isDirectory(input);
  const bytes = unpackForLayer(openStream(input, signal), {signal});
  const {path, remove} = await spoolBytes(lease, bytes, {signal});
  return {region: {path, offset: 0, size: (await stat(path)).size}, [Symbol.asyncDispose]: remove};
}

async function isForLayer(path: string): Promise<boolean> {
  const head = createReadStream(path, {end: SIGNATURE_BYTES - 1});
  try {
    return canBeLayer(await buffer(head));
  } catch (error) {
    throw storageError(error, path);
  }
}

async function* unpackForLayer(bytes: AsyncIterable<Uint8Array>, options: CallOptions): AsyncGenerator<Uint8Array> {
  const {head, whole} = await peekStream(bytes, SIGNATURE_BYTES);
  yield* canBeLayer(head) ? whole : decompressArchive(whole, options);
}

function openStream(input: ArchiveInput, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  if (typeof input !== 'string') return input;
  const stream = createReadStream(input);
  return signal ? addAbortSignal(signal, stream) : stream;
}

async function statInput(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw storageError(error, path);
    throw new WinchError('ARCHIVE_MISSING', `there is no file ${path}`, {
      kind: 'not-found',
      hint: 'check how its path is written',
    });
  }
}

const isDirectory = (path: string): WinchError =>
  new WinchError('FILE_UNUSABLE', `${path} is a directory`, {
    kind: 'invalid',
    hint: 'pack it as a tar first, and pipe that in',
  });

interface InputStream {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

async function spool(lease: Lease, {name, bytes}: InputStream, {signal, onEvent}: CallOptions): Promise<FileSet> {
  const told = tellReading(bytes, {name, totalBytes: null}, {onEvent});
  const {path, remove} = await spoolBytes(lease, decompressArchive(told, {signal}), {signal});
  try {
    const files = await openArchiveFiles(path, {signal});
    const close = async () => {
      await files.close();
      await remove();
    };
    return {...files, name, close};
  } catch (error) {
    await remove();
    signal?.throwIfAborted();
    throw error;
  }
}

interface SpooledBytes {
  readonly path: string;
  remove(): Promise<void>;
}

async function spoolBytes(lease: Lease, bytes: AsyncIterable<Uint8Array>, {signal}: CallOptions) {
  const path = lease.temporaryPath();
  const spooled: SpooledBytes = {path, remove: () => rm(path, {force: true})};
  try {
    await mkdir(dirname(path), {recursive: true, mode: 0o700});
    await writeWithin(path, bytes, await spareBytes(dirname(path)));
    return spooled;
  } catch (error) {
    await spooled.remove();
    signal?.throwIfAborted();
    throw storageError(error, path);
  }
}
