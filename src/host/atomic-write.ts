import {
  closeSync,
  constants,
  type Dir,
  existsSync,
  fdatasync,
  fsync,
  mkdirSync,
  opendirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {copyFile} from 'node:fs/promises';
import {dirname, resolve} from 'node:path';
import {promisify} from 'node:util';
import {hasErrno} from '../errors.ts';
import {randomHex} from './random-hex.ts';
import {storageError} from './storage-error.ts';

export type Durability = 'full' | 'fast';

export interface AtomicWriteOptions {
  readonly durability: Durability;
  /** Permission bits. */
  readonly mode: number;
  /** A fresh path where the file is written before it gets its name; absent: beside it. */
  readonly staging?: string | undefined;
}

/**
 * Writes a whole file so that readers see the old or the new bytes, never a part.
 *
 * With `full` durability the file survives a power cut once this resolves: data is synced before the rename, the
 * directory after it.
 *
 * @throws {WinchError} `STORE_FULL` | `STORE_READ_ONLY` | `STORE_DENIED`
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array, options: AtomicWriteOptions): Promise<void> {
  const {staging = stagingBeside(path)} = options;
  try {
    await ensureDirectory(dirname(staging), options.durability);
    await ensureDirectory(dirname(path), options.durability);
    await writeSynced(staging, bytes, {...options, flag: 'wx'});
    await commitFile(staging, path, options.durability);
  } catch (error) {
    removeIfPossible(staging);
    throw storageError(error, path);
  }
}

/** Writes a file; with `full` durability its bytes survive a power cut once this resolves, but not yet its name. */
export async function writeSynced(
  path: string,
  bytes: Uint8Array,
  {durability, mode, flag}: AtomicWriteOptions & {readonly flag: 'w' | 'wx'},
): Promise<void> {
  const descriptor = openSync(path, flag, mode);
  try {
    writeFileSync(descriptor, bytes);
    if (durability === 'full') await syncData(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, {force: true});
  } catch {}
}

/**
 * Renames a finished file to its place and makes the new name durable; a place on another file system (directories of a
 * store may be links to other disks) gets a copy.
 */
export async function commitFile(staging: string, path: string, durability: Durability): Promise<void> {
  try {
    renameSync(staging, path);
  } catch (error) {
    if (!hasErrno(error, 'EXDEV')) throw error;
    await moveAcross(staging, path, durability);
  }
  if (durability === 'full') await syncDirectory(dirname(path));
}

async function moveAcross(staging: string, path: string, durability: Durability): Promise<void> {
  const copy = stagingBeside(path);
  try {
    await copyFile(staging, copy);
    if (durability === 'full') await syncFile(copy);
    renameSync(copy, path);
  } catch (error) {
    removeIfPossible(copy);
    throw error;
  }
  rmSync(staging, {force: true});
}

/** Of the steps around it only the sync itself takes long enough for a thread of its own. */
const sync = promisify(fsync);
const syncData = promisify(fdatasync);

const stagingBeside = (path: string): string => `${path}.${randomHex(6)}.tmp`;

/**
 * Makes a directory and those above it, with mode 0700; with `full` durability their names survive a power cut, also where
 * another process has just made them, or was killed before it could sync them.
 */
export async function ensureDirectory(path: string, durability: Durability): Promise<void> {
  const absolute = resolve(path);
  const topmost = makeDirectory(absolute);
  if (durability === 'fast') return;
  if (topmost !== undefined) {
    for (let made = absolute; made.length >= topmost.length; made = dirname(made)) await syncDirectory(dirname(made));
  }
  await (topmost === undefined ? syncFreshNames(absolute, 0) : syncFreshNames(dirname(topmost), 1));
}

/** @returns the topmost one that it has made. */
function makeDirectory(path: string): string | undefined {
  try {
    return mkdirSync(path, {recursive: true, mode: 0o700});
  } catch (error) {
    throw hasErrno(error, 'EEXIST', 'ENOENT') ? notDirectory(path, error) : error;
  }
}

/** Makes a directory as `ensureDirectory` does, and looks no more than once at what the same keeper has made. */
export type DirectoryKeeper = (path: string) => Promise<void>;

export function createDirectoryKeeper(durability: Durability): DirectoryKeeper {
  const kept = new Set<string>();
  return async (path) => {
    if (kept.has(path) && existsSync(path)) return;
    await ensureDirectory(path, durability);
    kept.add(path);
  };
}

/**
 * Syncs the name of a directory with nothing in it (beside what was just made), and those of such directories above it:
 * whoever puts the first thing into a directory has synced its name before.
 */
async function syncFreshNames(path: string, ownEntries: 0 | 1): Promise<void> {
  const parent = dirname(path);
  if (parent === path || !hasAtMost(path, ownEntries)) return;
  await syncDirectory(parent).catch(ignoreForeign);
  await syncFreshNames(parent, 1);
}

function hasAtMost(path: string, most: number): boolean {
  const entries = openOwn(path);
  if (entries === null) return false;
  try {
    for (let count = 0; count <= most; count += 1) if (entries.readSync() === null) return true;
    return false;
  } finally {
    entries.closeSync();
  }
}

function openOwn(path: string): Dir | null {
  try {
    return opendirSync(path);
  } catch (error) {
    ignoreForeign(error);
    return null;
  }
}

/** What this process may not read is not its own to make durable. */
function ignoreForeign(error: unknown): void {
  if (!hasErrno(error, 'EACCES', 'EPERM')) throw error;
}

/** A file in its place, or a link to nowhere: mkdir(2) says so otherwise than of a file above it. */
const notDirectory = (path: string, error: NodeJS.ErrnoException) =>
  storageError(Object.assign(error, {code: 'ENOTDIR'}), path);

/** Makes the names in a directory durable (fsync of the directory). */
export const syncDirectory = (path: string): Promise<void> => syncPath(path, constants.O_DIRECTORY, sync);

/** Makes the bytes of a file durable (fdatasync), whoever wrote them. */
export const syncFile = (path: string): Promise<void> => syncPath(path, constants.O_NOFOLLOW, syncData);

async function syncPath(path: string, flags: number, work: (descriptor: number) => Promise<void>): Promise<void> {
  const descriptor = openSync(path, constants.O_RDONLY | flags);
  try {
    await work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
