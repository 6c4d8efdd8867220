import {closeSync, openSync, readSync} from 'node:fs';
import {isWinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {
  BLOCK_BYTES,
  DataLayout,
  DIRENT_BYTES,
  FILE_TYPE_MASK,
  FileType,
  HEAD_BYTES,
  INODE_BYTES,
  InodeField,
  readUInt64,
  SLOT_BYTES,
} from './erofs-format.ts';
import {damagedIndex, type InodeNumber, LAYOUT_SHIFT, xattrBytesAt} from './erofs-reader.ts';
import {indexStart} from './erofs-superblock.ts';
import type {PlacedLayer} from './merged-head.ts';

/** Where the index of a layer file goes in another file. */
export interface CarriedPlace {
  /** Of its first byte there, a multiple of 4 KiB. */
  readonly position: number;
  /** Where the inodes there begin, which inode numbers count from. */
  readonly start: number;
}

/** An inode with a name in the new file. */
export interface CarriedRoot {
  /** In the layer. */
  readonly number: InodeNumber;
  /** The new number of the directory above; null: it is no directory. */
  readonly parent: InodeNumber | null;
}

/** The index of a layer file as it is in another file. */
export interface CarriedIndex {
  readonly bytes: Buffer;
  /** How many inodes of it have a name there. */
  readonly inodes: number;
}

interface Relocation {
  /** Where the index begins in its layer file. */
  readonly start: number;
  readonly view: DataView;
  readonly numberShift: number;
  readonly payloadShift: number;
  readonly contentShift: number;
  /** By slot: what has its new numbers. */
  readonly isDone: Uint8Array;
  inodes: number;
}

/**
 * Reads the index of a layer file and gives some of its inodes, and all below them, the numbers that they have in another
 * file: their own, those in directories, and the blocks in which directories, links and content lie. The others stay as
 * they are, and have no name there.
 *
 * @throws {WinchError} `STORE_CORRUPT` | as the file system
 */
export function carryIndex(layer: PlacedLayer, place: CarriedPlace, roots: Iterable<CarriedRoot>): CarriedIndex {
  const {bytes, start} = readIndex(layer);
  const relocation: Relocation = {
    ...{start, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length)},
    numberShift: (place.position - place.start) / SLOT_BYTES,
    payloadShift: (place.position - start) / BLOCK_BYTES,
    contentShift: layer.firstBlock,
    isDone: new Uint8Array(Math.ceil(bytes.length / SLOT_BYTES)),
    inodes: 0,
  };
  try {
    for (const {number, parent} of roots) relocate(relocation, number, parent);
  } catch (error) {
    // What leads outside the index is told by the reads themselves.
    throw error instanceof RangeError ? damagedIndex(layer.path, 'it leads outside') : error;
  }
  return {bytes, inodes: relocation.inodes};
}

function readIndex({path, blocks}: PlacedLayer): {readonly bytes: Buffer; readonly start: number} {
  try {
    const file = openSync(path, 'r');
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      readSync(file, head, 0, HEAD_BYTES, 0);
      const [start, end] = [indexStart(head), blocks * BLOCK_BYTES];
      if (start < HEAD_BYTES || start >= end) throw damagedIndex(path, 'its head is another');
      const bytes = Buffer.allocUnsafeSlow(end - start);
      if (readSync(file, bytes, 0, bytes.length, start) < bytes.length) throw damagedIndex(path, 'it is cut off');
      return {bytes, start};
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw isWinchError(error) ? error : storageError(error, path);
  }
}

function relocate(relocation: Relocation, number: InodeNumber, parent: InodeNumber | null): void {
  const {view, isDone, numberShift, contentShift, payloadShift} = relocation;
  if (isDone[number] === 1) return;
  isDone[number] = 1;
  relocation.inodes += 1;
  const at = number * SLOT_BYTES;
  const type = view.getUint16(at + InodeField.mode, true) & FILE_TYPE_MASK;
  view.setUint32(at + InodeField.number, number + numberShift, true);
  if (type === FileType.directory) relocateEntries(relocation, number, parent);
  if (type === FileType.file && readUInt64(view, at + InodeField.size) > 0) shiftAddress(view, at, contentShift);
  const hasBlocks = type === FileType.directory || type === FileType.symlink;
  if (hasBlocks && !isInline(view, at)) shiftAddress(view, at, payloadShift);
}

/** @param parent The new number of the directory above; null: it moves along. */
function relocateEntries(relocation: Relocation, number: InodeNumber, parent: InodeNumber | null): void {
  const {view, start, numberShift} = relocation;
  const at = number * SLOT_BYTES;
  const end = payloadStart(view, at, start) + readUInt64(view, at + InodeField.size);
  for (let block = payloadStart(view, at, start); block < end; block += BLOCK_BYTES) {
    const records = block + view.getUint16(block + 8, true);
    for (let record = block; record + DIRENT_BYTES <= records; record += DIRENT_BYTES) {
      const child = view.getUint32(record, true);
      const dots = countDots(view, {block, record, records, end});
      view.setUint32(record, dots === 2 && parent !== null ? parent : child + numberShift, true);
      if (dots === 0) relocate(relocation, child, null);
    }
  }
}

interface RecordPlace {
  readonly block: number;
  readonly record: number;
  /** The end of the block's records. */
  readonly records: number;
  /** The end of the directory. */
  readonly end: number;
}

const DOT = 0x2e;

/** 1 for `.`, 2 for `..`, 0 for any other name. */
function countDots(view: DataView, {block, record, records, end}: RecordPlace): number {
  const name = block + view.getUint16(record + 8, true);
  if (view.getUint8(name) !== DOT) return 0;
  const isLast = record + 2 * DIRENT_BYTES > records;
  const nameEnd = isLast ? Math.min(end, block + BLOCK_BYTES) : block + view.getUint16(record + DIRENT_BYTES + 8, true);
  const length = isLast && name + 1 < nameEnd && view.getUint8(name + 1) === 0 ? 1 : nameEnd - name;
  if (length === 1) return 1;
  const isSecondDot = view.getUint8(name + 1) === DOT;
  const isEnded = length === 2 || (isLast && view.getUint8(name + 2) === 0);
  return isSecondDot && isEnded ? 2 : 0;
}

const isInline = (view: DataView, at: number): boolean =>
  view.getUint16(at + InodeField.format, true) >> LAYOUT_SHIFT === DataLayout.flatInline;

/** In the index. */
const payloadStart = (view: DataView, at: number, start: number): number =>
  isInline(view, at)
    ? at + INODE_BYTES + xattrBytesAt(view, at)
    : view.getUint32(at + InodeField.address, true) * BLOCK_BYTES - start;

const shiftAddress = (view: DataView, at: number, blocks: number): void =>
  view.setUint32(at + InodeField.address, view.getUint32(at + InodeField.address, true) + blocks, true);
