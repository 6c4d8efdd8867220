import {encodeDirentBlock} from './erofs-directory.ts';
import {BLOCK_BYTES, DataLayout, INODE_BYTES, InodeField, writeUInt64} from './erofs-format.ts';
import {type ErofsLayout, inodeNumber, payloadBytes} from './erofs-layout.ts';
import {encodeXattrs, storedXattrs, xattrBytes, xattrCount} from './erofs-xattr.ts';
import {type InodeId, inodeType} from './inode-table.ts';

const PIECE_BYTES = 1024 * 1024;
/** More than one inode with the most attributes that a 16-bit count allows, and than the longest symlink. */
const RESERVE_BYTES = 264 * 1024;
const EXTENDED = 1;
const LAYOUT_SHIFT = 1;

/** A part of the index under construction. */
interface Piece {
  readonly bytes: Buffer;
  /** Where it goes in the file. */
  readonly start: number;
}

/** The index from `layout.start` to `layout.end`, in pieces of at most 1 MiB, in order and without gaps. */
export function* encodeErofsIndex(layout: ErofsLayout): Generator<Buffer> {
  let piece = createPiece(layout, layout.start);
  for (const inode of layout.order) {
    const position = layout.positions[inode] ?? 0;
    if (!hasRoom(piece, position)) {
      yield cut(piece, position);
      piece = createPiece(layout, position);
    }
    encodeInode(piece.bytes, position - piece.start, {layout, inode});
  }
  for (const [inode, firstBlock] of layout.payloadBlocks) {
    for (let index = 0; index < payloadParts(layout, inode); index++) {
      const position = (firstBlock + index) * BLOCK_BYTES;
      if (!hasRoom(piece, position)) {
        yield cut(piece, position);
        piece = createPiece(layout, position);
      }
      encodePayload(piece.bytes, position - piece.start, {layout, inode, index});
    }
  }
  yield cut(piece, layout.end);
}

const createPiece = (layout: ErofsLayout, start: number): Piece => ({
  bytes: Buffer.alloc(Math.min(PIECE_BYTES, layout.end - start)),
  start,
});

const hasRoom = (piece: Piece, position: number): boolean => position + RESERVE_BYTES <= piece.start + PIECE_BYTES;

const cut = (piece: Piece, end: number): Buffer => piece.bytes.subarray(0, end - piece.start);

/** A directory's blocks are written one by one, a symlink's at once. */
const payloadParts = ({directories}: ErofsLayout, inode: InodeId): number => directories.get(inode)?.starts.length ?? 1;

interface InodeSource {
  readonly layout: ErofsLayout;
  readonly inode: InodeId;
}

/** Completes the inode's record and puts its attributes and an inline payload behind it; `bytes` is zeroed. */
function encodeInode(bytes: Buffer, at: number, {layout, inode}: InodeSource): void {
  const {inodes} = layout.tree;
  const payload = payloadBytes(layout, inode);
  const firstBlock = layout.payloadBlocks.get(inode);
  const isInline = payload > 0 && firstBlock === undefined;
  const dataLayout = isInline ? DataLayout.flatInline : DataLayout.flatPlain;
  const xattrs = storedXattrs(inodes, inode);
  const sizeOfXattrs = xattrBytes(xattrs);
  inodes.records.copy(bytes, at, inode * INODE_BYTES, (inode + 1) * INODE_BYTES);
  bytes.writeUInt16LE(EXTENDED | (dataLayout << LAYOUT_SHIFT), at + InodeField.format);
  bytes.writeUInt16LE(xattrCount(sizeOfXattrs), at + InodeField.xattrCount);
  bytes.writeUInt32LE(inodeNumber(layout, inode), at + InodeField.number);
  bytes.writeUInt32LE(layout.links[inode] ?? 0, at + InodeField.links);
  if (payload > 0) writeUInt64(bytes, payload, at + InodeField.size);
  if (firstBlock !== undefined) bytes.writeUInt32LE(firstBlock, at + InodeField.address);
  if (sizeOfXattrs > 0) encodeXattrs(bytes, at + INODE_BYTES, xattrs);
  if (isInline) encodePayload(bytes, at + INODE_BYTES + sizeOfXattrs, {layout, inode, index: 0});
}

function encodePayload(bytes: Buffer, at: number, source: InodeSource & {readonly index: number}): void {
  const {layout, inode, index} = source;
  const {inodes} = layout.tree;
  const blocks = layout.directories.get(inode);
  if (!blocks) {
    bytes.write(inodes.targets.get(inode) ?? '', at, 'latin1');
    return;
  }
  const look = (entry: {readonly inode: InodeId}) => ({
    number: inodeNumber(layout, entry.inode),
    type: inodeType(inodes, entry.inode),
  });
  encodeDirentBlock(bytes, at, {blocks, index, look});
}
