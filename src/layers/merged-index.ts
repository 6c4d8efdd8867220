import {open, rm} from 'node:fs/promises';
import type {Durability} from '../host/atomic-write.ts';
import {storageError} from '../host/storage-error.ts';
import {BLOCK_BYTES} from './erofs-format.ts';
import {encodeErofsIndex} from './erofs-index.ts';
import {inodeNumber, layOutErofs} from './erofs-layout.ts';
import {DEVICE_SLOT_BYTES} from './erofs-superblock.ts';
import {ROOT} from './inode-table.ts';
import {openLayeredFiles} from './layered-files.ts';
import {encodeMergedHead, INDEX_BLOCKS, type LayerChain, placeLayers} from './merged-head.ts';
import {mergeTree} from './merged-tree.ts';
import type {IndexedLayer} from './read-layer-index.ts';

/** What is to become a merged index. */
export interface MergeRequest extends LayerChain {
  readonly layers: readonly IndexedLayer[];
  /** Where the file goes; must not exist. */
  readonly path: string;
  readonly durability: Durability;
}

/**
 * Writes the merged index of a chain of layers: an EROFS file system of what the layers show together, without any
 * content. One mount of it takes the place of a mount for each layer, which costs a run 0.3 ms, half of it when the
 * container ends.
 *
 * ```
 * 0        4 KiB head: a line with the format, one with the chain id; the EROFS superblock at 1024
 * 4096     128 bytes for each distinct layer file, base first: its diff id, its blocks, where they begin
 * next     at a multiple of 4 KiB: inodes, directory blocks, xattrs, as in a layer file
 * ```
 * The layer files are extra devices of the file system (incompatible feature `DEVICE_TABLE`), and inodes hold block
 * numbers in one space for all of them: content stays where it lies in the tar of its layer, 2 TiB at most. So that
 * numbers do not depend on the length of the index, the first layer file begins 2 GiB from the start. The kernel mounts
 * it with a `device=` option for each layer file, in this order; where devices are files, since Linux 6.12.
 *
 * Whiteouts are applied and gone, directories that a layer only implies have the owner, mode and time that lower layers
 * gave them, and hard links count the names that show.
 *
 * It is a cache, and no part of an image: equal chains give equal files, and whoever finds none that
 * {@link isMergedIndex} takes, or cannot mount it, mounts the layers. `path` is created with mode 0600 and removed again
 * on failure; with `full` durability its bytes survive a power cut, so that a name never leads to a part of it.
 *
 * @returns false, and no file: the layers are too many, or too large, for the format
 * @throws {WinchError} `STORE_CORRUPT`: of a layer file | `STORE_FULL` …
 */
export async function writeMergedIndex({path, durability, ...chain}: MergeRequest): Promise<boolean> {
  const placed = placeLayers(chain);
  if (placed === null) return false;
  const firstBlocks = new Map(placed.map((layer) => [layer.path, layer.firstBlock]));
  const layout = layOutErofs(mergeTree(openLayeredFiles(chain.layers), firstBlocks), placed.length * DEVICE_SLOT_BYTES);
  const blocks = layout.end / BLOCK_BYTES;
  if (blocks > INDEX_BLOCKS) return false;
  const head = encodeMergedHead(chain, {rootNumber: inodeNumber(layout, ROOT), inodes: layout.order.length, blocks});
  await using file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw storageError(error, path);
  });
  try {
    for (const piece of [head, ...encodeErofsIndex(layout)]) await file.writeFile(piece);
    if (durability === 'full') await file.datasync();
    return true;
  } catch (error) {
    await rm(path, {force: true});
    throw storageError(error, path);
  }
}
