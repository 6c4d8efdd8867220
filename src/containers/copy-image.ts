import {existsSync, renameSync} from 'node:fs';
import {realpath, statfs} from 'node:fs/promises';
import {join} from 'node:path';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Durability} from '../host/atomic-write.ts';
import {removeTreeSync} from '../host/remove-tree.ts';
import {describeSkipped} from '../images/describe-skipped.ts';
import type {MountableLayer} from '../images/stored-image.ts';
import type {FileNode} from '../layers/file-tree.ts';
import {mapOwners} from '../layers/map-owners.ts';
import {stackLayers} from '../layers/read-layer-index.ts';
import {type SkippedFiles, writeRootfs} from '../layers/write-rootfs.ts';
import type {IdMappings} from '../oci/id-mappings.ts';
import type {SnapshotLayer} from '../snapshots/snapshotter.ts';
import {syncFileSystem} from '../store/unsynced.ts';
import type {ContainerDirectories} from './directories.ts';

const ROOTFS = 'rootfs';
/** In the directory of what a kept container writes: all of its files, where its driver copies them. */
export const KEPT_ROOTFS = 'rootfs';
/** A copy that is not whole. */
const STAGED = 'rootfs.new';
const BLOCK_BYTES = 4096;
const MEGABYTE = 1_000_000;
/** File systems need some room for themselves. */
const USABLE_SHARE = 0.95;
/** Copies that take longer say so. */
const SILENCE_MS = 1000;

export interface CopyOptions extends CallOptions {
  /** Whose the files are on disk, of those that own them in the image; absent: theirs. */
  readonly ownerIds?: IdMappings | undefined;
}

/**
 * Writes all files of an image into a directory of this run, which goes with the run: on the store's disk, or in memory
 * when that cannot be written or has no room.
 *
 * @returns the tree as the one layer of the `copy` driver.
 * @throws {WinchError} `STORE_FULL` | as `stackLayer`, `mapOwners` and `writeRootfs`
 */
export async function copyImage(
  {writable, volatile}: ContainerDirectories,
  layers: readonly MountableLayer[],
  options: CopyOptions,
): Promise<SnapshotLayer> {
  const places = writable === null ? [volatile] : [writable, volatile];
  return asLayer(await writeCopy(layers, {places, name: ROOTFS}, options));
}

export interface KeptCopy {
  /** An existing directory of the container alone, on the store's disk. */
  readonly directory: string;
  readonly durability: Durability;
}

/** As `copyImage`, for a container that is started again and again: it is there as a whole or not at all. */
export async function keepCopy(
  {directory, durability}: KeptCopy,
  layers: readonly MountableLayer[],
  options: CopyOptions,
): Promise<SnapshotLayer> {
  removeTreeSync(join(directory, STAGED));
  const staged = await writeCopy(layers, {places: [directory], name: STAGED}, options);
  if (durability === 'full') await syncFileSystem(staged);
  const path = join(directory, KEPT_ROOTFS);
  renameSync(staged, path);
  return asLayer(path);
}

/** What `keepCopy` has written to a directory; null: nothing, or it was cut off. */
export function findKeptCopy(directory: string): SnapshotLayer | null {
  const path = join(directory, KEPT_ROOTFS);
  return existsSync(path) ? asLayer(path) : null;
}

const asLayer = (path: string): SnapshotLayer => ({path, whiteouts: 0, directories: {implied: [], opaque: []}});

interface CopyPlace {
  /** The first of these that has room. */
  readonly places: readonly string[];
  readonly name: string;
}

async function writeCopy(
  layers: readonly MountableLayer[],
  {places, name}: CopyPlace,
  options: CopyOptions,
): Promise<string> {
  const {signal, onEvent, ownerIds} = options;
  const root = await stackLayers(layers, {signal});
  // A runtime takes no symlink on the way to a root file system.
  const directory = await realpath(await findRoom(places, measureFiles(root)));
  const path = join(directory, name);
  const ownerOf = ownerIds ? mapOwners(root, ownerIds) : undefined;
  const timer = setTimeout(() => onEvent?.({type: 'files:copying', destination: path}), SILENCE_MS);
  try {
    warnOfSkipped(await writeRootfs(root, {directory, name}, {signal, ownerOf}), options);
  } finally {
    clearTimeout(timer);
  }
  return path;
}

/** Bytes that files and directories take on a disk; names of one file count once. */
function measureFiles(root: FileNode): number {
  const counted = new Map<string, Set<number>>();
  const measure = (node: FileNode): number => {
    const inodes = counted.get(node.layerPath) ?? new Set();
    counted.set(node.layerPath, inodes);
    if (node.kind === 'file' && inodes.has(node.inode)) return 0;
    inodes.add(node.inode);
    let bytes = node.kind === 'directory' ? BLOCK_BYTES : Math.ceil(node.size / BLOCK_BYTES) * BLOCK_BYTES;
    for (const child of node.entries?.values() ?? []) bytes += measure(child);
    return bytes;
  };
  return measure(root);
}

async function findRoom(places: readonly string[], neededBytes: number): Promise<string> {
  const rooms: string[] = [];
  for (const directory of places) {
    const {bavail, bsize} = await statfs(directory);
    const freeBytes = bavail * bsize * USABLE_SHARE;
    if (neededBytes <= freeBytes) return directory;
    rooms.push(`${directory} has room for ${megabytes(freeBytes)}`);
  }
  const message = `a copy of the image takes ${megabytes(neededBytes)}, and ${rooms.join(', ')}`;
  throw new WinchError('STORE_FULL', message, {kind: 'storage', hint: 'free space there or choose another root'});
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / MEGABYTE)} MB`;

function warnOfSkipped(skipped: SkippedFiles, {onEvent}: CallOptions): void {
  const difference = describeSkipped(skipped);
  if (difference === null) return;
  const message = `not all files of this run are as in the image: ${difference}`;
  onEvent?.({type: 'warning:raised', code: 'COPY_INCOMPLETE', message});
}
