import {realpath, statfs} from 'node:fs/promises';
import {join} from 'node:path';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {describeSkipped} from '../images/describe-skipped.ts';
import type {MountableLayer} from '../images/stored-image.ts';
import type {FileNode} from '../layers/file-tree.ts';
import {stackLayers} from '../layers/read-layer-index.ts';
import {type SkippedFiles, writeRootfs} from '../layers/write-rootfs.ts';
import type {SnapshotLayer} from '../snapshots/snapshotter.ts';
import type {ContainerDirectories} from './directories.ts';

const ROOTFS = 'rootfs';
const BLOCK_BYTES = 4096;
const MEGABYTE = 1_000_000;
/** File systems need some room for themselves. */
const USABLE_SHARE = 0.95;
/** Copies that take longer say so. */
const SILENCE_MS = 1000;

/**
 * Writes all files of an image into a directory of this run, which goes with the run: on the store's disk, or in memory
 * when that cannot be written or has no room.
 *
 * @returns the tree as the one layer of the `copy` driver.
 * @throws {WinchError} `STORE_FULL` | as `stackLayer` and `writeRootfs`
 */
export async function copyImage(
  directories: ContainerDirectories,
  layers: readonly MountableLayer[],
  options: CallOptions,
): Promise<SnapshotLayer> {
  const {signal, onEvent} = options;
  const root = await stackLayers(layers, {signal});
  // A runtime takes no symlink on the way to a root file system.
  const directory = await realpath(await findRoom(directories, measureFiles(root)));
  const path = join(directory, ROOTFS);
  const timer = setTimeout(() => onEvent?.({type: 'files:copying', destination: path}), SILENCE_MS);
  try {
    warnOfSkipped(await writeRootfs(root, {directory, name: ROOTFS}, {signal}), options);
  } finally {
    clearTimeout(timer);
  }
  return {path, whiteouts: 0, directories: {implied: [], opaque: []}};
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

async function findRoom({writable, volatile}: ContainerDirectories, neededBytes: number): Promise<string> {
  const places: string[] = [];
  for (const directory of writable === null ? [volatile] : [writable, volatile]) {
    const {bavail, bsize} = await statfs(directory);
    const freeBytes = bavail * bsize * USABLE_SHARE;
    if (neededBytes <= freeBytes) return directory;
    places.push(`${directory} has room for ${megabytes(freeBytes)}`);
  }
  const message = `a copy of the image takes ${megabytes(neededBytes)}, and ${places.join(', ')}`;
  throw new WinchError('STORE_FULL', message, {kind: 'storage', hint: 'free space there or choose another root'});
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / MEGABYTE)} MB`;

function warnOfSkipped(skipped: SkippedFiles, {onEvent}: CallOptions): void {
  const difference = describeSkipped(skipped);
  if (difference === null) return;
  const message = `not all files of this run are as in the image: ${difference}`;
  onEvent?.({type: 'warning:raised', code: 'COPY_INCOMPLETE', message});
}
