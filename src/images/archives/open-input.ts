import {randomBytes} from 'node:crypto';
import {createReadStream, type Stats} from 'node:fs';
import {mkdir, realpath, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {addAbortSignal} from 'node:stream';
import {hasErrno, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {storageError} from '../../host/storage-error.ts';
import {decompressLayer} from '../../layers/decompress.ts';
import {openArchiveFiles} from '../../media/archive-files.ts';
import {type FileSet, openDirectoryFiles} from '../../media/file-set.ts';
import {spareBytes, writeWithin} from '../../media/packed-archive.ts';
import type {StorePaths} from '../../store/paths.ts';

/** A file, a pipe or a directory by its path, or bytes as they come. */
export type ArchiveInput = string | AsyncIterable<Uint8Array>;

/**
 * The files of an archive or a layout. What can be read only once is kept unpacked in the store's ingest area until they
 * are closed; the caller holds a lease of the store.
 *
 * @throws {WinchError} `ARCHIVE_MISSING` | `ARCHIVE_INVALID` | `LIMIT_UNPACKED` | `LAYER_COMPRESSION_INVALID`
 */
export async function openInput(paths: StorePaths, input: ArchiveInput, {signal}: CallOptions): Promise<FileSet> {
  if (typeof input !== 'string') return await spool(paths, {name: 'the input', bytes: input}, {signal});
  const stats = await statInput(input);
  if (stats.isDirectory()) return openDirectoryFiles(input);
  if (stats.isFile()) return {...(await openArchiveFiles(await realpath(input), {signal})), name: input};
  const stream = createReadStream(input);
  return await spool(paths, {name: input, bytes: signal ? addAbortSignal(signal, stream) : stream}, {signal});
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

interface InputStream {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

async function spool({ingest}: StorePaths, {name, bytes}: InputStream, {signal}: CallOptions): Promise<FileSet> {
  const path = join(ingest, `archive-${randomBytes(8).toString('hex')}`);
  const remove = () => rm(path, {force: true});
  try {
    await mkdir(ingest, {recursive: true, mode: 0o700});
    const {chunks} = await decompressLayer(bytes, {signal});
    await writeWithin(path, chunks, await spareBytes(ingest));
    const files = await openArchiveFiles(path, {signal});
    const close = async () => {
      await files.close();
      await remove();
    };
    return {...files, name, close};
  } catch (error) {
    await remove();
    signal?.throwIfAborted();
    throw storageError(error, path);
  }
}
