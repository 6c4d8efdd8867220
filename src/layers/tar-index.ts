import {WinchError} from '../errors.ts';
import {layerRefusal} from './refusal.ts';
import {addExtension, assembleEntry, createTarAssembly, isExtension, isPending} from './tar-assembly.ts';
import type {TarEntry} from './tar-entry.ts';
import {checkedSize} from './tar-entry-values.ts';
import {decodeTarHeader, TAR_BLOCK_BYTES, type TarHeader} from './tar-header.ts';

/** A tar that can be read anywhere. */
export interface SeekableTar {
  readonly bytes: number;
  /** As many bytes from `offset` as there are, `length` at most. */
  read(offset: number, length: number): Promise<Buffer>;
}

export interface TarIndexOptions {
  /** The archive in a message. */
  readonly where: string;
  readonly entryLimit: number;
  readonly signal?: AbortSignal | undefined;
}

/** Of a PAX header, a long name or a long link name. */
const EXTENSION_LIMIT_BYTES = 1024 * 1024;
/** Headers of small files lie close together. */
const WINDOW_BYTES = 16 * 1024;

/**
 * The entries of a tar in their order; only headers are read, whatever lies between them is jumped over.
 *
 * @throws {WinchError} `ARCHIVE_INVALID` | `LIMIT_ARCHIVE_ENTRIES`
 */
export async function indexTar(tar: SeekableTar, options: TarIndexOptions): Promise<readonly TarEntry[]> {
  try {
    return await readEntries(tar, options);
  } catch (error) {
    if (!(error instanceof WinchError) || !error.code.startsWith('TAR_')) throw error;
    throw new WinchError('ARCHIVE_INVALID', `${options.where} is no whole tar: ${error.message}`, {
      kind: 'refused',
      hint: 'it is damaged, or was written by a broken tool',
      cause: error,
    });
  }
}

async function readEntries(
  tar: SeekableTar,
  {where, entryLimit, signal}: TarIndexOptions,
): Promise<readonly TarEntry[]> {
  const read = bufferReads(tar);
  const assembly = createTarAssembly();
  const entries: TarEntry[] = [];
  let zeroBlocks = 0;
  for (let at = 0; at < tar.bytes && zeroBlocks < 2; ) {
    signal?.throwIfAborted();
    const header = decodeTarHeader(await read(at, TAR_BLOCK_BYTES), 0);
    at += TAR_BLOCK_BYTES;
    if (header === null) {
      zeroBlocks++;
      continue;
    }
    if (zeroBlocks > 0) throw layerRefusal('TAR_INVALID', 'it goes on after a lone block of zeros');
    if (isExtension(header.flag)) {
      const size = extensionSize(header);
      addExtension(assembly, header.flag, await read(at, size));
      at += padded(size);
      continue;
    }
    const entry = assembleEntry(assembly, header, at);
    entries.push(entry);
    if (entries.length > entryLimit) throw tooMany(where, entryLimit);
    if (at + entry.size > tar.bytes) throw layerRefusal('TAR_INVALID', 'it ends in the middle of an entry');
    at += padded(entry.size);
  }
  if (isPending(assembly)) throw layerRefusal('TAR_INVALID', 'it ends after an extended header');
  return entries;
}

/** Reads exactly what is asked for, or refuses. */
function bufferReads(tar: SeekableTar) {
  let start = 0;
  let window: Buffer = Buffer.alloc(0);
  return async (offset: number, length: number): Promise<Buffer> => {
    if (offset + length > tar.bytes) throw layerRefusal('TAR_INVALID', 'it ends in the middle of a header');
    if (offset < start || offset + length > start + window.length) {
      window = await tar.read(offset, Math.max(length, WINDOW_BYTES));
      start = offset;
    }
    const piece = window.subarray(offset - start, offset - start + length);
    if (piece.length < length) throw layerRefusal('TAR_INVALID', 'it got shorter while it was read');
    return piece;
  };
}

function extensionSize({path, size}: TarHeader): number {
  if (checkedSize(size, path) <= EXTENSION_LIMIT_BYTES) return size;
  throw layerRefusal('TAR_LIMIT', `an extended header has ${size} bytes; the limit is ${EXTENSION_LIMIT_BYTES}`);
}

const padded = (bytes: number): number => Math.ceil(bytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;

const tooMany = (where: string, limit: number): WinchError =>
  new WinchError('LIMIT_ARCHIVE_ENTRIES', `${where} has more than ${limit} entries`, {
    kind: 'refused',
    hint: 'no archive of images needs that many',
  });
