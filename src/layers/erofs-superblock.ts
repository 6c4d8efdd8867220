import {type Digest, digestHex} from '../oci/digest.ts';
import {BLOCK_BITS, BLOCK_BYTES, HEAD_BYTES} from './erofs-format.ts';

export interface SuperblockFields {
  readonly rootNumber: number;
  readonly inodes: number;
  readonly blocks: number;
  readonly metaBlock: number;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** Other files in which blocks lie, whose slots are right behind the head; absent: none. */
  readonly devices?: number;
}

/** A file in which blocks of the file system lie. */
export interface DeviceSlot {
  /** At most 64 bytes. */
  readonly tag: string;
  readonly blocks: number;
  /** Its first block is this one of the file system. */
  readonly firstBlock: number;
}

/** Of the file system's id. */
export const UUID_BYTES = 16;

const SUPERBLOCK_AT = 1024;
const MAGIC = 0xe0f5e1e2;
/** MTIME. Without SB_CHKSUM: fsck.erofs 1.8 crashes on a checksum where blocks are smaller than the offset above. */
const COMPATIBLE_FEATURES = 0x2;
const DEVICE_TABLE = 0x8;
export const DEVICE_SLOT_BYTES = 128;
/** Of a digest of 512 bits as much as there is room for. */
const TAG_BYTES = 64;

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
  if (fields.devices !== undefined) {
    block.writeUInt32LE(DEVICE_TABLE, 80);
    block.writeUInt16LE(fields.devices, 86);
    block.writeUInt16LE(HEAD_BYTES / DEVICE_SLOT_BYTES, 88);
  }
  return head;
}

/** The table of the files in which blocks lie. */
export function encodeDeviceSlots(slots: readonly DeviceSlot[]): Buffer {
  const table = Buffer.alloc(slots.length * DEVICE_SLOT_BYTES);
  for (const [index, {tag, blocks, firstBlock}] of slots.entries()) {
    const at = index * DEVICE_SLOT_BYTES;
    table.write(tag, at, TAG_BYTES, 'latin1');
    table.writeUInt32LE(blocks, at + TAG_BYTES);
    table.writeUInt32LE(firstBlock, at + TAG_BYTES + 4);
  }
  return table;
}

/** A slot of the table behind a head. */
export function readDeviceSlot(head: Buffer, index: number): Pick<DeviceSlot, 'blocks' | 'firstBlock'> {
  const at = HEAD_BYTES + index * DEVICE_SLOT_BYTES + TAG_BYTES;
  return {blocks: head.readUInt32LE(at), firstBlock: head.readUInt32LE(at + 4)};
}

/** What the head of a file says of the file system. */
export function readSuperblock(head: Buffer): Pick<Required<SuperblockFields>, 'blocks' | 'devices'> {
  const block = head.subarray(SUPERBLOCK_AT);
  return {blocks: block.readUInt32LE(36), devices: block.readUInt16LE(86)};
}

/** Where a layer file's index begins, bytes from the start of the file: behind the tar and what fills its last page. */
export const indexStart = (head: Buffer): number => head.readUInt32LE(SUPERBLOCK_AT + 40) * BLOCK_BYTES;

/** EROFS' nid of the root directory. */
export const rootNumber = (head: Buffer): number => head.readUInt16LE(SUPERBLOCK_AT + 14);

/** Whether this can be the head of such a layer file; only with its tar can be told whether it is. */
export function isLayerHead(head: Buffer, layer: {readonly diffId: Digest; readonly fileBytes: number}): boolean {
  const block = head.subarray(SUPERBLOCK_AT);
  return encodeErofsHead({
    rootNumber: block.readUInt16LE(14),
    inodes: block.readUInt32LE(16),
    blocks: layer.fileBytes / BLOCK_BYTES,
    metaBlock: block.readUInt32LE(40),
    uuid: Buffer.from(digestHex(layer.diffId), 'hex').subarray(0, UUID_BYTES),
  }).equals(head);
}
