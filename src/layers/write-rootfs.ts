import {closeSync, constants, openSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {extname} from 'node:path';
import {hasErrno, isWinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {loadTreeCalls, type TreeCalls} from '../host/tree-calls.ts';
import {openWorkerPool, type WorkerPool} from '../host/worker-pool.ts';
import {doRootfsWork} from './do-rootfs-work.ts';
import type {FileNode} from './file-tree.ts';
import {type OwnerMap, planRootfs} from './plan-rootfs.ts';
import type {SkippedMetadata} from './rootfs-entries.ts';
import type {PlannedDirectory, RootfsPart, RootfsPlan} from './rootfs-plan.ts';
import {Counter, type RootfsWork} from './rootfs-work.ts';

export interface RootfsTarget {
  /** An existing directory that nobody else can enter. */
  readonly directory: string;
  /** What the root is called there; must not exist. */
  readonly name: string;
}

export interface RootfsProgress {
  readonly entries: number;
  readonly totalEntries: number;
  /** Of content. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface WriteRootfsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Heard of now and then while files are written. */
  readonly onProgress?: ((progress: RootfsProgress) => void) | undefined;
  /** Default: the owners that the image has. */
  readonly ownerOf?: OwnerMap | undefined;
  /** The calling thread has nothing else to do, and writes what is little by itself; default false. */
  readonly mayBlock?: boolean;
}

export type SkippedFiles = Readonly<SkippedMetadata>;

/** Beyond some threads, the file system's own locks are what they wait for. */
const THREADS_LIMIT = 8;
const PROGRESS_INTERVAL_MS = 100;
/** Written before an abort could be missed. */
const LITTLE_BYTES = 64 * 1024 * 1024;
/** Threads that copy leave much garbage at once, for which V8 would take 48 MiB each. */
const YOUNG_MEBIBYTES = 4;
/** An access control list without entries: setting it removes the one that is there. */
const NO_ACCESS_LIST = Buffer.from([2, 0, 0, 0]);
const ACCESS_LISTS = ['system.posix_acl_default', 'system.posix_acl_access'];
const SELF = Buffer.from('.');

/**
 * Writes the files of an image out of its layer files, with several threads.
 *
 * Contents, owners, modes, times, hard links, devices and extended attributes are those of the image, as far as this
 * user may give them; the rest is counted. Names are written one by one below open directories, and no symlink is
 * followed. What was written when it fails is the caller's to remove.
 *
 * @throws {WinchError} `STORE_CORRUPT` | `STORE_FULL` … | `WORKER_FAILED`
 */
export async function writeRootfs(
  root: FileNode,
  {directory, name}: RootfsTarget,
  {signal, onProgress, ownerOf = (node) => node, mayBlock = false}: WriteRootfsOptions = {},
): Promise<SkippedFiles> {
  signal?.throwIfAborted();
  const plan = planRootfs(root, name, ownerOf);
  const counters = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT * 3));
  const stop = () => void Atomics.store(counters, Counter.isStopped, 1n);
  const tell = () => onProgress?.(progressOf(plan, counters));
  const timer = setInterval(tell, PROGRESS_INTERVAL_MS);
  signal?.addEventListener('abort', stop, {once: true});
  const outside = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const givesOwners = prepareDirectory(loadTreeCalls(), outside);
    const makesForRoot = !givesOwners || (process.geteuid?.() === 0 && process.getegid?.() === 0);
    const shared = {outside, layerPaths: plan.layerPaths, givesOwners, makesForRoot, counters};
    const skipped = mayBlock && isLittle(plan) ? writeHere(plan, shared) : await writeWithThreads(plan, shared);
    tell();
    return skipped;
  } catch (error) {
    signal?.throwIfAborted();
    throw isWinchError(error) ? error : storageError(error, directory);
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', stop);
    closeSync(outside);
  }
}

/** Rids a directory of what its own parent hands down; tells whether this process may give files away. */
function prepareDirectory(calls: TreeCalls, fd: number): boolean {
  for (const list of ACCESS_LISTS) {
    ignoring(() => calls.setAttribute(fd, SELF, {name: Buffer.from(list), value: NO_ACCESS_LIST}));
  }
  calls.changeMode(fd, SELF, 0o700);
  return ignoring(() => calls.changeOwner(fd, SELF, 0, 0));
}

function ignoring(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!hasErrno(error, 'EPERM', 'EINVAL', 'EOPNOTSUPP', 'ENOTSUP')) throw error;
    return false;
  }
}

type SharedWork = Omit<RootfsWork, 'task'>;

/** Threads would take longer to start. */
const isLittle = ({partCount, bytes}: RootfsPlan): boolean => partCount <= 1 && bytes <= LITTLE_BYTES;

const writeHere = ({trunk, parts, held, links}: RootfsPlan, shared: SharedWork): SkippedFiles =>
  [{part: trunkPart(trunk)}, ...parts.map((part) => ({part})), {finish: {held, links}}]
    .map((task) => doRootfsWork({...shared, task}))
    .reduce(addSkipped);

const trunkPart = (trunk: PlannedDirectory): RootfsPart => ({path: [], files: [], directories: [trunk]});

type Pool = WorkerPool<RootfsWork, SkippedFiles>;

async function writeWithThreads({trunk, parts, held, links}: RootfsPlan, shared: SharedWork): Promise<SkippedFiles> {
  const size = Math.min(Math.max(availableParallelism(), 2), THREADS_LIMIT);
  await using pool: Pool = openWorkerPool({
    // Published files are .js, sources .ts.
    url: new URL(`./rootfs-worker${extname(import.meta.url)}`, import.meta.url),
    size,
    resourceLimits: {maxYoungGenerationSizeMb: YOUNG_MEBIBYTES},
  });
  const run = (task: RootfsWork['task']) => pool.call({...shared, task});
  const outcomes = [await run({part: trunkPart(trunk)})];
  const failures: unknown[] = [];
  // As many at a time as there are threads: more messages would only fill memory.
  const work = async () => {
    for (const part of parts) outcomes.push(await run({part}));
  };
  const stop = (error: unknown) => {
    failures.push(error);
    Atomics.store(shared.counters, Counter.isStopped, 1n);
  };
  await Promise.all(Array.from({length: size}, () => work().catch(stop)));
  // The others failed because they were stopped.
  if (failures.length > 0) throw failures[0];
  outcomes.push(await run({finish: {held, links}}));
  return outcomes.reduce(addSkipped);
}

const addSkipped = (one: SkippedFiles, other: SkippedFiles): SkippedFiles => ({
  owners: one.owners + other.owners,
  devices: one.devices + other.devices,
  xattrs: one.xattrs + other.xattrs,
});

const progressOf = ({entries, bytes}: RootfsPlan, counters: BigInt64Array): RootfsProgress => ({
  entries: Number(Atomics.load(counters, Counter.entries)),
  totalEntries: entries,
  bytes: Number(Atomics.load(counters, Counter.bytes)),
  totalBytes: bytes,
});
