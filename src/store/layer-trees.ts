import {hash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {mkdir, rename, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {type Durability, syncDirectory} from '../host/atomic-write.ts';
import {readBootId} from '../host/boot-id.ts';
import {storageError} from '../host/storage-error.ts';
import {describeIdMaps, isInitialUserNamespace} from '../host/user-namespace.ts';
import type {Digest} from '../oci/digest.ts';
import type {IdMappings} from '../oci/id-mappings.ts';
import type {StorePaths} from './paths.ts';
import {setAside} from './set-aside.ts';
import {stagedTree} from './staged-tree.ts';
import {syncFileSystem} from './unsynced.ts';

/**
 * Layers as directories, by diff id, beside their files: a copy for machines that cannot mount those, made again
 * whenever it is not whole.
 */
export interface LayerTrees {
  /** The directory of an extracted layer. */
  path(diffId: Digest): string;
  /** Whether all of it is there, as far as its mark tells, with the owners that this user namespace knows. */
  isComplete(diffId: Digest): boolean;
  /** Whether all of it is there, for whichever user namespace. */
  isMarked(diffId: Digest): boolean;
  /** A new directory for a layer that is being extracted by the holder of its lock. */
  stage(diffId: Digest): Promise<string>;
  /** Marks what was staged as complete and moves it to its place, out of which an incomplete one is taken. */
  commit(diffId: Digest): Promise<void>;
  discard(diffId: Digest): Promise<void>;
  /** The same layers with other owners, each beside its own. */
  ownedBy(ids: IdMappings): LayerTrees;
}

const MARK = 'complete';
const FORMAT = 'layer tree 1';
const NAME_DIGITS = 16;
const SYNCED = 'synced';
const NAMESPACE = / in [\d /]+ /;

/** @param owners Whose the files are, where not those who own them in the layers. */
export function createLayerTrees(paths: StorePaths, durability: Durability, owners?: string): LayerTrees {
  const staged = (diffId: Digest) => stagedTree(paths, diffId, owners);
  const pathOf = (diffId: Digest) => paths.layerTree(diffId, owners);
  return {
    path: pathOf,
    isComplete: (diffId) => isOneOf(readMark(join(pathOf(diffId), MARK)), markText),
    isMarked: (diffId) => isOneOf(readMark(join(pathOf(diffId), MARK))?.replace(NAMESPACE, ' '), rootText),
    stage: (diffId) =>
      guarded(staged(diffId), async (path) => {
        await removeStaged(path);
        await mkdir(path, {recursive: true, mode: 0o700});
        return path;
      }),
    commit: (diffId) =>
      guarded(pathOf(diffId), async (path) => {
        // What no sync has made sure of is whole until the machine stops.
        const text = markText(durability === 'full' ? SYNCED : readBootId());
        await writeFile(join(staged(diffId), MARK), text, {mode: 0o600, flag: 'wx'});
        if (durability === 'full') await syncFileSystem(staged(diffId));
        await setAside(paths, path);
        await rename(staged(diffId), path);
        if (durability === 'full') await syncDirectory(dirname(path));
      }),
    discard: (diffId) => removeStaged(staged(diffId)),
    ownedBy: (ids) => createLayerTrees(paths, durability, nameOf(ids)),
  };
}

function nameOf({uids, gids}: IdMappings): string {
  const rows = [uids, gids].map((ranges) => ranges.map(({containerID, hostID, size}) => [containerID, hostID, size]));
  return hash('sha256', JSON.stringify(rows)).slice(0, NAME_DIGITS);
}

/** On FUSE a directory may be empty only the second time that it is looked at. */
const removeStaged = (path: string): Promise<void> => rm(path, {recursive: true, force: true, maxRetries: 3});

const rootText = (state: string): string => `${FORMAT} ${state}\n`;

/** In user namespaces with other maps the owners of the same files would be others. */
const markText = (state: string): string =>
  isInitialUserNamespace() ? rootText(state) : rootText(`in ${describeIdMaps()} ${state}`);

const isOneOf = (mark: string | null | undefined, textOf: (state: string) => string): boolean =>
  mark === textOf(SYNCED) || mark === textOf(readBootId());

function readMark(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw storageError(error, path);
  }
}

async function guarded<T>(path: string, work: (path: string) => Promise<T>): Promise<T> {
  try {
    return await work(path);
  } catch (error) {
    throw storageError(error, path);
  }
}
