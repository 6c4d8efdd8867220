import {closeSync, constants, openSync, readSync} from 'node:fs';
import {isWinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import type {ByteString} from './byte-string.ts';
import {DIRENT_BYTES, HEAD_BYTES} from './erofs-format.ts';
import {
  type DecodedInode,
  damagedIndex,
  decodeDirectory,
  decodeInode,
  type ErofsMetadata,
  findEntry,
  type InodeNumber,
  type NamedNumber,
} from './erofs-reader.ts';
import {indexStart, isLayerHead, rootNumber} from './erofs-superblock.ts';
import type {IndexedLayer} from './read-layer-index.ts';

/** The index of a layer file, of which only what is asked for is read. @throws {WinchError} `STORE_CORRUPT` from each call */
export interface LayerIndex {
  readonly root: InodeNumber;
  /** An inode with its link target and attributes. */
  inode(number: InodeNumber): DecodedInode;
  /** What a directory has under a name; null for nothing. */
  find(directory: InodeNumber, name: ByteString): InodeNumber | null;
  /** All that a directory has. A sound index lists each directory once. */
  list(directory: InodeNumber): readonly NamedNumber[];
  /** Whether no entry of the tar describes the directory of this path, without a leading slash. */
  isImplied(path: ByteString): boolean;
}

/** One lookup in a large index needs a few pages of it. */
const PAGE_BYTES = 16 * 1024;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens the index of a layer file that this store wrote. No file stays open: an image has as many of them as layers.
 *
 * @throws {WinchError} `STORE_CORRUPT` | as the file system
 */
export function openLayerIndex({path, diffId, fileBytes, directories}: IndexedLayer): LayerIndex {
  const head = Buffer.alloc(HEAD_BYTES);
  readAt(path, head, 0);
  const start = indexStart(head);
  const isSound = isLayerHead(head, {diffId, fileBytes}) && start >= HEAD_BYTES && start < fileBytes;
  if (!isSound) throw damagedIndex(path, 'its head is another');
  const metadata = openMetadata(path, start, fileBytes - start);
  const implied = new Set(directories.implied);
  let namesLeft = metadata.bytes.length / DIRENT_BYTES;
  return {
    root: rootNumber(head),
    inode: (number) => decodeInode(metadata, number),
    find: (directory, name) => findEntry(metadata, directory, name),
    list: (directory) => {
      const names = decodeDirectory(metadata, directory);
      namesLeft -= names.length;
      if (namesLeft < 0) throw damagedIndex(path, 'it leads in circles');
      return names;
    },
    isImplied: (directory) => implied.has(directory),
  };
}

/** Memory that nothing is written to takes no place. */
function openMetadata(path: string, start: number, length: number): ErofsMetadata {
  const bytes = Buffer.allocUnsafeSlow(length);
  const loaded = new Uint8Array(Math.ceil(length / PAGE_BYTES));
  const load = (at: number, count: number) => {
    const last = Math.min(Math.ceil((at + count) / PAGE_BYTES), loaded.length);
    for (let page = Math.floor(at / PAGE_BYTES); page < last; page++) {
      if (loaded[page] === 1) continue;
      const from = page * PAGE_BYTES;
      readAt(path, bytes.subarray(from, from + PAGE_BYTES), start + from);
      loaded[page] = 1;
    }
  };
  return {bytes, view: new DataView(bytes.buffer, bytes.byteOffset, length), start, path, load};
}

function readAt(path: string, target: Buffer, position: number): void {
  try {
    const file = openSync(path, FLAGS);
    try {
      for (let done = 0; done < target.length; ) {
        const count = readSync(file, target, done, target.length - done, position + done);
        if (count === 0) throw damagedIndex(path, 'it is cut off');
        done += count;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw isWinchError(error) ? error : storageError(error, path);
  }
}
