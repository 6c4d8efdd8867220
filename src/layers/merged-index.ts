import {open, readFile, rm} from 'node:fs/promises';
import {hasErrno} from '../errors.ts';
import type {Durability} from '../host/atomic-write.ts';
import {storageError} from '../host/storage-error.ts';
import {type CarriedIndex, type CarriedRoot, carryIndex} from './carried-index.ts';
import {BLOCK_BYTES, SLOT_BYTES} from './erofs-format.ts';
import {encodeErofsIndex} from './erofs-index.ts';
import {type ErofsLayout, inodeNumber, layOutErofs} from './erofs-layout.ts';
import type {InodeNumber} from './erofs-reader.ts';
import {DEVICE_SLOT_BYTES} from './erofs-superblock.ts';
import {type InodeId, ROOT} from './inode-table.ts';
import {openLayeredFiles} from './layered-files.ts';
import {encodeMergedHead, INDEX_BLOCKS, type LayerChain, type PlacedLayer, placeLayers} from './merged-head.ts';
import {mergeTree} from './merged-tree.ts';
import type {IndexedLayer} from './read-layer-index.ts';

export interface MergeableLayer extends IndexedLayer {
  /** How many it holds. */
  readonly whiteouts: number;
}

/** A merged index, and what it is of. */
export interface MergedFile extends LayerChain {
  readonly layers: readonly MergeableLayer[];
  readonly path: string;
}

/** What is to become a merged index; `path` must not exist. */
export interface MergeRequest extends MergedFile {
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
 * next     at a multiple of 4 KiB: the root and the directories that several layers have
 * next     the indexes of the layer files, in the same order and from their first inode on, but for numbers as they are
 * ```
 * The layer files are extra devices of the file system (incompatible feature `DEVICE_TABLE`), and inodes hold block
 * numbers in one space for all of them: content stays where it lies in the tar of its layer, 2 TiB at most. So that
 * numbers do not depend on the length of the index, the first layer file begins 2 GiB from the start. The kernel mounts
 * it with a `device=` option for each layer file, in this order; where devices are files, since Linux 6.12.
 *
 * Inodes are carried over with the index that has them, and so are directories that one layer alone has, which are nearly
 * all: to write them anew would take three times as long. What has no name any more is left where it is.
 *
 * Whiteouts are applied and gone, directories that a layer only implies have the owner, mode and time that lower layers
 * gave them; files count the links that they have in their layer.
 *
 * It is a cache, and no part of an image: equal chains give equal files, and whoever finds none that
 * {@link isMergedIndex} takes, or cannot mount it, mounts the layers. `path` is created with mode 0600 and removed again
 * on failure; with `full` durability its bytes survive a power cut, so that a name never leads to a part of it.
 *
 * @returns false, and no file: the layers are too many, or too large, for the format
 * @throws {WinchError} `STORE_CORRUPT`: of a layer file | `STORE_FULL` …
 */
export async function writeMergedIndex({path, durability, ...chain}: MergeRequest): Promise<boolean> {
  const pieces = encodeMergedIndex(chain);
  if (pieces === null) return false;
  await using file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw storageError(error, path);
  });
  try {
    for (const piece of pieces) await file.writeFile(piece);
    if (durability === 'full') await file.datasync();
    return true;
  } catch (error) {
    await rm(path, {force: true});
    throw storageError(error, path);
  }
}

/**
 * Whether a merged index is what {@link writeMergedIndex} would write now, all of it; one that is gone counts as such.
 *
 * @throws {WinchError} `STORE_CORRUPT`: of a layer file | `STORE_DENIED` …
 */
export async function verifyMergedIndex({path, ...chain}: MergedFile): Promise<boolean> {
  const pieces = encodeMergedIndex(chain) ?? [];
  try {
    const found = await readFile(path);
    return Buffer.concat([...pieces]).equals(found);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true;
    throw storageError(error, path);
  }
}

/** Null: the format has no room for it. */
function encodeMergedIndex(chain: Omit<MergedFile, 'path'>): readonly Buffer[] | null {
  const placed = placeLayers(chain);
  if (placed === null || placed.length === 0) return null;
  const {layout, carried} = planIndex(chain.layers, placed);
  const blocks = carried.reduce((end, {bytes}) => end + bytes.length, layout.end) / BLOCK_BYTES;
  if (blocks > INDEX_BLOCKS) return null;
  const inodes = carried.reduce((sum, index) => sum + index.inodes, layout.order.length);
  const head = encodeMergedHead(chain, {rootNumber: inodeNumber(layout, ROOT), inodes, blocks});
  return [head, ...encodeErofsIndex(layout), ...carried.map(({bytes}) => bytes)];
}

interface PlannedIndex {
  readonly layout: ErofsLayout;
  /** Go behind it. */
  readonly carried: readonly CarriedIndex[];
}

function planIndex(layers: MergeRequest['layers'], placed: readonly PlacedLayer[]): PlannedIndex {
  // A whiteout would be listed where the overlay has nothing to merge.
  const whole = new Set(layers.filter(({whiteouts}) => whiteouts === 0).map(({path}) => path));
  const merged = mergeTree(openLayeredFiles(layers), whole);
  const elsewhere = new Set([...merged.carried.values()].flatMap((inodes) => [...inodes.values()]));
  const layout = layOutErofs(merged.tree, placed.length * DEVICE_SLOT_BYTES, elsewhere);
  const carried: CarriedIndex[] = [];
  let position = layout.end;
  for (const layer of placed) {
    const inodes = merged.carried.get(layer.path);
    if (!inodes) continue;
    for (const [number, inode] of inodes) layout.positions[inode] = position + number * SLOT_BYTES;
    const index = carryIndex(layer, {position, start: layout.start}, rootsOf(inodes, layout));
    carried.push(index);
    position += index.bytes.length;
  }
  return {layout, carried};
}

/** What has a parent is a directory. */
function* rootsOf(carried: ReadonlyMap<InodeNumber, InodeId>, layout: ErofsLayout): Generator<CarriedRoot> {
  const {parents} = layout.tree.inodes;
  for (const [number, inode] of carried) {
    const parent = parents.get(inode);
    yield {number, parent: parent === undefined ? null : inodeNumber(layout, parent)};
  }
}
