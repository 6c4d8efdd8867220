import {newParents} from './parent-directories.ts';
import {encodeTarHeader, tarPadding} from './tar-encoding.ts';
import {TAR_BLOCK_BYTES} from './tar-header.ts';

/** A regular file of a new tar. */
export interface TarFile {
  readonly path: string;
  readonly size: number;
  /** Exactly `size` bytes. */
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What ends a tar. */
export const TAR_END_BYTES = 2 * TAR_BLOCK_BYTES;
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * The bytes of a tar of these files, with their directories: some readers make those as root otherwise. Equal files give equal bytes: owner, mode and time are fixed. A file is opened when
 * its turn comes.
 */
export async function* writeTar(files: Iterable<TarFile>): AsyncGenerator<Uint8Array> {
  const met = new Set<string>();
  for (const {path, size, content} of files) {
    for (const parent of newParents(path, met)) {
      yield encodeTarHeader({path: `${latin1(parent)}/`, type: 'directory', permissions: DIRECTORY_MODE, size: 0});
    }
    yield encodeTarHeader({path: latin1(path), type: 'file', permissions: FILE_MODE, size});
    let written = 0;
    for await (const piece of content) {
      written += piece.length;
      yield piece;
    }
    if (written !== size) throw new Error(`${path} has ${written} bytes instead of ${size}`);
    yield tarPadding(written);
  }
  yield Buffer.alloc(TAR_END_BYTES);
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
