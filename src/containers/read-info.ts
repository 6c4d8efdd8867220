import {statfs} from 'node:fs/promises';
import {release} from 'node:os';
import {dirname} from 'node:path';
import {hasErrno, isWinchError} from '../errors.ts';
import {readCgroups} from '../host/cgroups.ts';
import {runCommand} from '../host/run-command.ts';
import {DEFAULT_RUNTIME, findRuntime, SYSTEM_PATH} from '../runtime/find-runtime.ts';
import {type ChosenSnapshotter, chooseSnapshotter} from '../snapshots/choose-snapshotter.ts';
import {listImages} from '../store/image-records.ts';
import {readUsage} from '../store/usage.ts';
import type {ContainerContext} from './context.ts';
import {addExtractionFault} from './try-extraction.ts';

export interface ToolkitInfo {
  readonly root: string;
  /** How many images are stored. */
  readonly images: number;
  /** What mounts images, as a fresh probe has found it. */
  readonly snapshotter: ChosenSnapshotter;
  readonly runtime: RuntimeInfo;
  readonly kernel: string;
  readonly cgroup: 'v1' | 'v2' | 'hybrid';
  /** Bytes of blobs, layer files and extracted layers. */
  readonly storeBytes: number;
  /** Bytes free for this user where the store is. */
  readonly freeBytes: number;
}

export interface RuntimeInfo {
  readonly path: string | null;
  readonly version: string | null;
  /** Why there is none. */
  readonly reason: string | null;
}

/** What this store holds and what this machine can do with it. */
export async function readToolkitInfo({
  store,
  runtimeDirectory,
  snapshotter: forced,
}: ContainerContext): Promise<ToolkitInfo> {
  const storeDirectory = store.paths.ingest;
  const chosen = await chooseSnapshotter({runtimeDirectory, storeDirectory, forced});
  return {
    root: store.paths.root,
    images: store.read((database) => listImages(database).length, 0),
    snapshotter: addExtractionFault(chosen, storeDirectory),
    runtime: await readRuntime(),
    kernel: release(),
    cgroup: readCgroups().version,
    storeBytes: store.read((database) => readUsage(database, store.paths), 0),
    freeBytes: await readFreeBytes(store.paths.root),
  };
}

/** The OCI runtime that runs use where nobody names another. */
export async function readRuntime(): Promise<RuntimeInfo> {
  try {
    const path = findRuntime(DEFAULT_RUNTIME);
    const {stdout} = await runCommand(path, ['--version'], {environment: {PATH: SYSTEM_PATH}});
    return {path, version: /version (\S+)/.exec(stdout)?.[1] ?? null, reason: null};
  } catch (error) {
    if (!isWinchError(error)) throw error;
    return {path: null, version: null, reason: error.message};
  }
}

/** The store may not exist yet: then what counts is the nearest directory above it. */
async function readFreeBytes(path: string): Promise<number> {
  try {
    const {bavail, bsize} = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT') || dirname(path) === path) throw error;
    return readFreeBytes(dirname(path));
  }
}
