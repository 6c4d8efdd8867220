import {chmodSync, chownSync, existsSync, lstatSync, readdirSync, renameSync, rmdirSync} from 'node:fs';
import type {CallOptions} from '../../events.ts';
import {moveEntries} from '../../host/move-entries.ts';
import {removeTree} from '../../host/remove-tree.ts';
import {storageError} from '../../host/storage-error.ts';
import type {MountableLayer} from '../../images/stored-image.ts';
import type {FileNode} from '../../layers/file-tree.ts';
import {searchFile} from '../../layers/find-file.ts';
import {openLayeredFiles} from '../../layers/layered-files.ts';
import {mapOwners} from '../../layers/map-owners.ts';
import {writeRootfs} from '../../layers/write-rootfs.ts';
import type {IdMappings} from '../../oci/id-mappings.ts';
import {syncFileSystem} from '../../store/unsynced.ts';
import type {VolumePlaces} from './places.ts';

export interface VolumeFilling {
  readonly places: VolumePlaces;
  /** Of the image, base first. */
  readonly layers: readonly MountableLayer[];
  /** Where the image has what an empty volume begins with. */
  readonly path: string;
  /** Whose its files are to be on disk; null: as in the image. */
  readonly ownerIds: IdMappings | null;
  readonly durability: 'full' | 'fast';
}

const PERMISSION_BITS = 0o7777;

/**
 * Gives a volume that is empty what an image has at a path, with owners and modes; nothing where the image has no
 * directory there.
 *
 * Everything is written beside its place first: whoever comes next goes on with what a killed process has begun, and no
 * volume begins with a part. Whoever calls holds the lock of all volumes.
 */
export async function fillVolume(filling: VolumeFilling, {signal}: CallOptions): Promise<void> {
  const {places} = filling;
  try {
    if (existsSync(places.filling) || (await prepareFilling(filling, signal))) moveIn(places);
  } catch (error) {
    throw storageError(error, places.directory);
  }
}

async function prepareFilling(filling: VolumeFilling, signal: AbortSignal | undefined): Promise<boolean> {
  const {places, layers, path, ownerIds, durability} = filling;
  await removeTree(places.halfFilling);
  if (readdirSync(places.data).length > 0) return false;
  const source = findDirectory(layers, path);
  if (source === null) return false;
  const target = {directory: places.directory, name: 'filling.half'};
  const ownerOf = ownerIds ? mapOwners(source, ownerIds) : undefined;
  await writeRootfs(source, target, {signal, ownerOf, mayBlock: true});
  if (durability === 'full') await syncFileSystem(places.directory);
  renameSync(places.halfFilling, places.filling);
  return true;
}

function findDirectory(layers: readonly MountableLayer[], path: string): FileNode | null {
  const search = searchFile(openLayeredFiles(layers), Buffer.from(path).toString('latin1'), {followsLast: true});
  return search.outcome === 'found' && search.node.kind === 'directory' ? search.node : null;
}

function moveIn({filling, data}: VolumePlaces): void {
  const {uid, gid, mode} = lstatSync(filling);
  moveEntries(filling, data);
  chownSync(data, uid, gid);
  chmodSync(data, mode & PERMISSION_BITS);
  rmdirSync(filling);
}
