import {WinchError} from '../errors.ts';
import type {ByteString} from './byte-string.ts';
import {
  BLOCK_BYTES,
  DataLayout,
  DIRENT_BYTES,
  INODE_BYTES,
  InodeField,
  readUInt64,
  SLOT_BYTES,
} from './erofs-format.ts';
import {decodeXattrs, OPAQUE_NAME} from './erofs-xattr.ts';
import {type FileNode, kindOfMode} from './file-tree.ts';

/** The metadata of a layer file in memory. */
export interface ErofsMetadata {
  /** From the first inode to the end of the file. */
  readonly bytes: Buffer;
  /** The same, for numbers: a Buffer takes ten times as long to read one. */
  readonly view: DataView;
  /** Where in the file they begin. */
  readonly start: number;
  /** Of the layer file. */
  readonly path: string;
  /** Has bytes read that are not in memory yet; absent: all are. */
  readonly load?: (at: number, length: number) => void;
}

/** What EROFS calls a nid. */
export type InodeNumber = number;

export interface NamedNumber {
  readonly name: ByteString;
  readonly number: InodeNumber;
}

export interface DecodedInode {
  readonly node: FileNode;
  /** Whether it hides what lower layers have below it. */
  readonly isOpaque: boolean;
  /** Whether it stands for a name that the layer removes. */
  readonly isWhiteout: boolean;
}

/** Of an inode's format, below which it says how long it is. */
export const LAYOUT_SHIFT = 1;
const WORD_BYTES = 4;
const XATTR_HEADER_BYTES = 12;
const PERMISSIONS = 0o7777;

/**
 * An inode with its link target and attributes; directories come without entries.
 *
 * @throws {WinchError} `STORE_CORRUPT`
 */
export function decodeInode(metadata: ErofsMetadata, number: InodeNumber): DecodedInode {
  const {bytes, view, path} = metadata;
  const at = number * SLOT_BYTES;
  refuseUnless(at + INODE_BYTES <= bytes.length, path, 'an inode lies outside the index');
  metadata.load?.(at, INODE_BYTES);
  const mode = view.getUint16(at + InodeField.mode, true);
  const kind = kindOfMode(mode);
  if (kind === null) throw damagedIndex(path, 'an inode has no type');
  const address = view.getUint32(at + InodeField.address, true);
  const device = kind === 'character' || kind === 'block' ? address : 0;
  const xattrBytes = xattrBytesAt(view, at);
  metadata.load?.(at + INODE_BYTES, xattrBytes);
  const xattrs =
    xattrBytes === 0 ? null : decodeXattrs(bytes.subarray(at + INODE_BYTES, at + INODE_BYTES + xattrBytes));
  const isFile = kind === 'file';
  const node = {
    kind,
    permissions: mode & PERMISSIONS,
    uid: view.getUint32(at + InodeField.uid, true),
    gid: view.getUint32(at + InodeField.gid, true),
    mtimeSeconds: readUInt64(view, at + InodeField.mtimeSeconds),
    mtimeNanoseconds: view.getUint32(at + InodeField.mtimeNanoseconds, true),
    inode: number,
    size: isFile ? readUInt64(view, at + InodeField.size) : 0,
    contentOffset: isFile ? address * BLOCK_BYTES : 0,
    linkTarget: kind === 'symlink' ? targetAt(metadata, at) : null,
    device,
    xattrs: withoutOpaque(xattrs),
    layerPath: path,
    entries: null,
  };
  return {node, isOpaque: xattrs?.has(OPAQUE_NAME) ?? false, isWhiteout: kind === 'character' && device === 0};
}

/**
 * The entries of a directory in the order of their names, without `.` and `..`.
 *
 * @throws {WinchError} `STORE_CORRUPT`
 */
export function decodeDirectory(metadata: ErofsMetadata, number: InodeNumber): readonly NamedNumber[] {
  const payload = payloadAt(metadata, number * SLOT_BYTES);
  const entries: NamedNumber[] = [];
  metadata.load?.(payload.byteOffset - metadata.bytes.byteOffset, payload.length);
  for (let start = 0; start < payload.length; start += BLOCK_BYTES) {
    for (const entry of decodeBlock(payload.subarray(start, start + BLOCK_BYTES), metadata.path)) {
      if (entry.name !== '.' && entry.name !== '..') entries.push(entry);
    }
  }
  return entries;
}

/**
 * What a directory has under a name, of as few of its blocks as tell; null for nothing.
 *
 * @throws {WinchError} `STORE_CORRUPT`
 */
export function findEntry(metadata: ErofsMetadata, number: InodeNumber, name: ByteString): InodeNumber | null {
  const payload = payloadAt(metadata, number * SLOT_BYTES);
  const start = payload.byteOffset - metadata.bytes.byteOffset;
  const blockAt = (index: number) => {
    const block = payload.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    metadata.load?.(start + index * BLOCK_BYTES, block.length);
    return decodeBlock(block, metadata.path);
  };
  if (payload.length === 0 || name === '.' || name === '..') return null;
  let first = 0;
  for (let end = Math.ceil(payload.length / BLOCK_BYTES); end - first > 1; ) {
    const middle = Math.floor((first + end) / 2);
    if ((blockAt(middle)[0]?.name ?? '') <= name) first = middle;
    else end = middle;
  }
  return blockAt(first).find((entry) => entry.name === name)?.number ?? null;
}

function decodeBlock(block: Buffer, path: string): readonly NamedNumber[] {
  const entries: NamedNumber[] = [];
  refuseUnless(block.length >= DIRENT_BYTES, path, 'a directory ends in the middle of an entry');
  const namesStart = block.readUInt16LE(8);
  refuseUnless(namesStart >= DIRENT_BYTES && namesStart <= block.length, path, 'a directory has no names');
  for (let record = 0; record + DIRENT_BYTES <= namesStart; record += DIRENT_BYTES) {
    const nameStart = block.readUInt16LE(record + 8);
    const isLast = record + 2 * DIRENT_BYTES > namesStart;
    const nameEnd = isLast ? endOfLast(block, nameStart) : block.readUInt16LE(record + DIRENT_BYTES + 8);
    refuseUnless(nameStart < nameEnd && nameEnd <= block.length, path, 'a directory has an entry without a name');
    const name = block.toString('latin1', nameStart, nameEnd);
    refuseUnless(!name.includes('/') && !name.includes('\0'), path, 'a name leads elsewhere');
    entries.push({name, number: block.readUInt32LE(record)});
  }
  return entries;
}

/** What is left of a block is zeros. */
function endOfLast(block: Buffer, nameStart: number): number {
  const end = block.indexOf(0, nameStart);
  return end < 0 ? block.length : end;
}

/** Of the attributes behind an inode. */
export const xattrBytesAt = (view: DataView, at: number): number => {
  const count = view.getUint16(at + InodeField.xattrCount, true);
  return count === 0 ? 0 : XATTR_HEADER_BYTES + (count - 1) * WORD_BYTES;
};

function targetAt(metadata: ErofsMetadata, at: number): ByteString {
  const payload = payloadAt(metadata, at);
  metadata.load?.(payload.byteOffset - metadata.bytes.byteOffset, payload.length);
  return payload.toString('latin1');
}

/** The entries of a directory or the target of a symlink, which may have to be loaded: behind the inode, or in blocks of their own. */
function payloadAt({bytes, view, start, path}: ErofsMetadata, at: number): Buffer {
  const layout = view.getUint16(at + InodeField.format, true) >> LAYOUT_SHIFT;
  const size = readUInt64(view, at + InodeField.size);
  const behind = at + INODE_BYTES + xattrBytesAt(view, at);
  const isInline = layout === DataLayout.flatInline;
  const from = isInline ? behind : view.getUint32(at + InodeField.address, true) * BLOCK_BYTES - start;
  refuseUnless(from >= 0 && from + size <= bytes.length, path, 'a directory or a link lies outside the index');
  return bytes.subarray(from, from + size);
}

function withoutOpaque(xattrs: ReadonlyMap<ByteString, ByteString> | null): FileNode['xattrs'] {
  if (!xattrs?.has(OPAQUE_NAME)) return xattrs;
  const own = new Map([...xattrs].filter(([name]) => name !== OPAQUE_NAME));
  return own.size === 0 ? null : own;
}

function refuseUnless(isSound: boolean, path: string, problem: string): void {
  if (!isSound) throw damagedIndex(path, problem);
}

/** A layer file that is not what was written. */
export const damagedIndex = (path: string, problem: string): WinchError =>
  new WinchError('STORE_CORRUPT', `the index of the layer file ${path} is damaged: ${problem}`, {
    kind: 'corrupt',
    hint: 'find out what else is damaged, and have it repaired',
  });
