import {type Digest, digestHex} from '../oci/digest.ts';
import {BLOCK_BYTES} from './erofs-format.ts';
import {type ErofsLayout, inodeNumber} from './erofs-layout.ts';
import {encodeErofsHead, UUID_BYTES} from './erofs-superblock.ts';
import {ROOT} from './inode-table.ts';

/** The head of the layer file whose index is laid out so. */
export const encodeLayerHead = (layout: ErofsLayout, diffId: Digest): Buffer =>
  encodeErofsHead({
    rootNumber: inodeNumber(layout, ROOT),
    inodes: layout.order.length,
    blocks: layout.end / BLOCK_BYTES,
    metaBlock: layout.start / BLOCK_BYTES,
    uuid: Buffer.from(digestHex(diffId), 'hex').subarray(0, UUID_BYTES),
  });
