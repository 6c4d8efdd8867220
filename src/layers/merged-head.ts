import {closeSync, constants, fstatSync, openSync, readSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestHex} from '../oci/digest.ts';
import {alignUp, BLOCK_BYTES, HEAD_BYTES} from './erofs-format.ts';
import {
  DEVICE_SLOT_BYTES,
  type DeviceSlot,
  encodeDeviceSlots,
  encodeErofsHead,
  readDeviceSlot,
  readSuperblock,
  type SuperblockFields,
  UUID_BYTES,
} from './erofs-superblock.ts';
import type {IndexedLayer} from './read-layer-index.ts';

/** The layers of an image, and the chain that they are. */
export interface LayerChain {
  readonly chainId: Digest;
  /** Base first. */
  readonly layers: readonly Pick<IndexedLayer, 'path' | 'diffId' | 'fileBytes'>[];
}

/** A layer file in the index of several. */
export interface PlacedLayer extends DeviceSlot {
  readonly path: string;
}

/** What only those know who have laid the index out. */
export type MergedFields = Pick<SuperblockFields, 'rootNumber' | 'inodes' | 'blocks'>;

/** Blocks that the index itself may take: 2 GiB. Those of the first layer file begin behind them. */
export const INDEX_BLOCKS = 2 ** 22;
/** Each is an option of mount(2), which all together have a page. */
const MOST_DEVICES = 300;
/** What block numbers of 32 bits reach. */
const MOST_BLOCKS = 2 ** 32;
/** Changes with the format: files of another one are as good as none. */
const FORMAT = 'winch merged index 1';
const PAGE_BYTES = 4096;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The layer files that a merged index has as devices, in the order of their slots. */
export const devicesOf = (layers: readonly {readonly path: string}[]): readonly string[] => [
  ...new Set(layers.map(({path}) => path)),
];

/** Where layer files lie among the blocks of a merged index; null: they are too many, or too large. */
export function placeLayers({layers}: LayerChain): readonly PlacedLayer[] | null {
  let firstBlock = INDEX_BLOCKS;
  const placed = [...new Map(layers.map((layer) => [layer.path, layer])).values()].map(({path, diffId, fileBytes}) => {
    const slot = {path, tag: digestHex(diffId), blocks: fileBytes / BLOCK_BYTES, firstBlock};
    firstBlock += slot.blocks;
    return slot;
  });
  return placed.length <= MOST_DEVICES && firstBlock <= MOST_BLOCKS ? placed : null;
}

/** All that comes before the first inode of a merged index. */
export function encodeMergedHead(chain: LayerChain, {rootNumber, inodes, blocks}: MergedFields): Buffer {
  const slots = placeLayers(chain) ?? [];
  const bytes = Buffer.alloc(headBytes(slots.length));
  const uuid = Buffer.from(digestHex(chain.chainId), 'hex').subarray(0, UUID_BYTES);
  const metaBlock = bytes.length / BLOCK_BYTES;
  bytes.set(encodeErofsHead({rootNumber, inodes, blocks, metaBlock, uuid, devices: slots.length}));
  bytes.set(encodeDeviceSlots(slots), HEAD_BYTES);
  bytes.write(titleOf(chain.chainId));
  return bytes;
}

/**
 * Whether a file is the merged index of a chain, as far as its head and length tell; false when there is none.
 *
 * @throws {WinchError} `STORE_DENIED` | `STORE_IO`
 */
export function isMergedIndex(path: string, chain: LayerChain): boolean {
  try {
    const file = openSync(path, READ_FLAGS);
    try {
      const head = Buffer.alloc(headBytes(devicesOf(chain.layers).length));
      const stats = fstatSync(file);
      if (!stats.isFile() || readSync(file, head, 0, head.length, 0) < head.length) return false;
      return stats.size === readSuperblock(head).blocks * BLOCK_BYTES && isHeadOf(head, chain);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return false;
    throw storageError(error, path);
  }
}

/** The chain id stands for all diff ids. Nothing is encoded to be compared: this is a part of every run. */
function isHeadOf(head: Buffer, {chainId, layers}: LayerChain): boolean {
  const title = titleOf(chainId);
  const lengths = new Map(layers.map(({path, fileBytes}) => [path, fileBytes]));
  if (head.toString('latin1', 0, title.length) !== title) return false;
  if (readSuperblock(head).devices !== lengths.size) return false;
  let [slot, firstBlock] = [0, INDEX_BLOCKS];
  for (const fileBytes of lengths.values()) {
    const {blocks, firstBlock: found} = readDeviceSlot(head, slot);
    if (blocks * BLOCK_BYTES !== fileBytes || found !== firstBlock) return false;
    firstBlock += blocks;
    slot += 1;
  }
  return true;
}

const titleOf = (chainId: Digest): string => `${FORMAT}\n${chainId}\n`;

const headBytes = (devices: number): number => alignUp(HEAD_BYTES + devices * DEVICE_SLOT_BYTES, PAGE_BYTES);
