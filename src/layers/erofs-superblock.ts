import {BLOCK_BITS, HEAD_BYTES} from './erofs-format.ts';

export interface SuperblockFields {
  readonly rootNumber: number;
  readonly inodes: number;
  readonly blocks: number;
  readonly metaBlock: number;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
}

const SUPERBLOCK_AT = 1024;
const MAGIC = 0xe0f5e1e2;
/** MTIME. Without SB_CHKSUM: fsck.erofs 1.8 crashes on a checksum where blocks are smaller than the offset above. */
const COMPATIBLE_FEATURES = 0x2;

/** The first 4 KiB of a layer file. */
export function encodeErofsHead(fields: SuperblockFields): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  const block = head.subarray(SUPERBLOCK_AT);
  block.writeUInt32LE(MAGIC, 0);
  block.writeUInt32LE(COMPATIBLE_FEATURES, 8);
  block.writeUInt8(BLOCK_BITS, 12);
  block.writeUInt16LE(fields.rootNumber, 14);
  block.writeBigUInt64LE(BigInt(fields.inodes), 16);
  block.writeUInt32LE(fields.blocks, 36);
  block.writeUInt32LE(fields.metaBlock, 40);
  block.set(fields.uuid, 48);
  return head;
}
