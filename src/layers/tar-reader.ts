import {entryRefusal, layerRefusal} from './refusal.ts';
import {
  addExtension,
  assembleEntry,
  createTarAssembly,
  type ExtensionFlag,
  isExtension,
  isPending,
  type TarAssembly,
} from './tar-assembly.ts';
import type {TarEntry} from './tar-entry.ts';
import {checkedSize} from './tar-entry-values.ts';
import {decodeTarHeader, TAR_BLOCK_BYTES, type TarHeader} from './tar-header.ts';

/** Of a PAX header, a long name or a long link name. */
const EXTENSION_LIMIT_BYTES = 1024 * 1024;

/** Reads a tar that is pushed in pieces of any size. */
export interface TarReader {
  /** @throws {WinchError} `TAR_INVALID` | `TAR_LIMIT` | `TAR_SPARSE`, or what the entry handler throws */
  push(chunk: Buffer): void;
  /** Passes over content that lies ahead, at most so many bytes of it, as if it had been pushed. @returns how many */
  skip(limit: number): number;
  /** To be called after the last piece. @throws {WinchError} `TAR_INVALID`: the tar ends inside an entry. */
  end(): void;
}

interface ReaderState {
  readonly onEntry: (entry: TarEntry) => void;
  readonly assembly: TarAssembly;
  /** Bytes of the tar before the piece at hand. */
  position: number;
  /** Content and padding still to pass over. */
  skip: number;
  /** How much of `skip` is padding, which may be missing at the end. */
  padding: number;
  /** A header or an extended header's body that arrives in parts. */
  partial: Buffer | null;
  filled: number;
  extension: {readonly flag: ExtensionFlag; readonly size: number} | null;
  /** Blocks of zeros seen; two end the archive. */
  zeroBlocks: number;
}

/**
 * A push parser for v7, ustar, PAX and GNU tars. Content is passed over and never copied.
 *
 * Whatever follows the two blocks of zeros is ignored; a tar without them is accepted when its last entry is whole.
 */
export function createTarReader(onEntry: (entry: TarEntry) => void): TarReader {
  const state: ReaderState = {
    onEntry,
    assembly: createTarAssembly(),
    position: 0,
    skip: 0,
    padding: 0,
    partial: null,
    filled: 0,
    extension: null,
    zeroBlocks: 0,
  };
  return {
    push: (chunk) => pushChunk(state, chunk),
    skip: (limit) => skipContent(state, limit),
    end: () => checkEnd(state),
  };
}

function pushChunk(state: ReaderState, chunk: Buffer): void {
  let at = 0;
  while (at < chunk.length && state.zeroBlocks < 2) {
    if (state.skip > 0) {
      const passed = Math.min(state.skip, chunk.length - at);
      state.skip -= passed;
      at += passed;
    } else if (state.partial === null && state.extension === null && chunk.length - at >= TAR_BLOCK_BYTES) {
      at += TAR_BLOCK_BYTES;
      takeHeader(state, decodeTarHeader(chunk, at - TAR_BLOCK_BYTES), state.position + at);
    } else {
      at = fillPartial(state, chunk, at);
    }
  }
  state.position += chunk.length;
}

function skipContent(state: ReaderState, limit: number): number {
  const passed = Math.min(state.skip, limit);
  state.skip -= passed;
  state.position += passed;
  return passed;
}

/** Copies into the buffer of what is to be read whole; returns how far the chunk is used. */
function fillPartial(state: ReaderState, chunk: Buffer, at: number): number {
  const buffer = state.partial ?? Buffer.allocUnsafe(state.extension?.size ?? TAR_BLOCK_BYTES);
  state.partial = buffer;
  const copied = chunk.copy(buffer, state.filled, at, at + buffer.length - state.filled);
  state.filled += copied;
  if (state.filled < buffer.length) return at + copied;
  const {extension} = state;
  state.partial = null;
  state.filled = 0;
  state.extension = null;
  if (extension) {
    addExtension(state.assembly, extension.flag, buffer);
    passOver(state, 0, extension.size);
  } else {
    takeHeader(state, decodeTarHeader(buffer, 0), state.position + at + copied);
  }
  return at + copied;
}

function takeHeader(state: ReaderState, header: TarHeader | null, dataOffset: number): void {
  if (header === null) {
    state.zeroBlocks++;
    return;
  }
  if (state.zeroBlocks > 0) throw layerRefusal('TAR_INVALID', 'the layer goes on after a lone block of zeros');
  if (isExtension(header.flag)) {
    state.extension = {flag: header.flag, size: extensionSize(header)};
    if (state.extension.size === 0) fillPartial(state, Buffer.alloc(0), 0);
    return;
  }
  const entry = assembleEntry(state.assembly, header, dataOffset);
  passOver(state, entry.size, entry.size);
  state.onEntry(entry);
}

/** Only the extended header's own size field counts: a PAX size before it is about the entry. */
function extensionSize({path, size}: TarHeader): number {
  if (checkedSize(size, path) <= EXTENSION_LIMIT_BYTES) return size;
  throw entryRefusal(
    'TAR_LIMIT',
    path,
    `is an extended header of ${size} bytes; the limit is ${EXTENSION_LIMIT_BYTES}`,
  );
}

/** Sets what to skip: content, and the padding after `written` bytes. */
function passOver(state: ReaderState, content: number, written: number): void {
  state.padding = (TAR_BLOCK_BYTES - (written % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
  state.skip = content + state.padding;
}

function checkEnd(state: ReaderState): void {
  const isInsideEntry = state.skip > state.padding || state.partial !== null || state.extension !== null;
  if (isInsideEntry) throw layerRefusal('TAR_INVALID', 'the layer ends in the middle of an entry');
  if (isPending(state.assembly)) throw layerRefusal('TAR_INVALID', 'the layer ends after an extended header');
}
