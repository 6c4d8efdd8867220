import {type Dirent, lstatSync, mkdirSync, readdirSync, rmSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {ProcessFacts} from '../events.ts';
import {detachBelow} from './detach-below.ts';
import {type Lock, openLockDirectory} from './locks.ts';
import {removeTreeSync} from './remove-tree.ts';

/** A directory that belongs to one living process. */
export interface LeasedDirectory {
  readonly path: string;
  /** Removes the directory, on the calling thread and in its mount namespace, and ends the lease. */
  remove(): void;
}

export interface SweepReport {
  /** Names that living processes hold. */
  readonly inUse: readonly string[];
  /** What `clear` or the removal threw; what it was about stays for the next sweep. */
  readonly failures: readonly unknown[];
}

const LOCKS = '.locks';
/** Longer than any process is between making a lock and making its directory. */
const ORPHAN_MS = 60 * 60 * 1000;

/**
 * Makes a directory that is known to be in use as long as this process lives.
 *
 * @param name Never used before (random).
 * @throws a Node system error when the parent cannot be written.
 */
export function createLeasedDirectory(parent: string, name: string): LeasedDirectory {
  const lock = openLockDirectory(join(parent, LOCKS)).tryAcquire(name, 'exclusive');
  if (!lock) throw new Error(`${name} is not a fresh name in ${parent}`);
  const path = join(parent, name);
  try {
    mkdirSync(path, {mode: 0o700});
  } catch (error) {
    lock.release();
    throw error;
  }
  return {path, remove: () => removeOwn(parent, name, lock)};
}

/**
 * Clears what dead processes left in a parent directory; a leftover that cannot be cleared keeps none of the others.
 *
 * @param clear Called for each leftover before its directory is removed.
 * @throws a Node system error when the parent cannot be written.
 */
export async function sweepLeasedDirectories(
  parent: string,
  clear: (name: string) => Promise<void>,
): Promise<SweepReport> {
  const inUse: string[] = [];
  const failures: unknown[] = [];
  for (const {name} of list(parent)) {
    if (name === LOCKS) continue;
    const lock = openLockDirectory(join(parent, LOCKS)).tryAcquire(name, 'exclusive');
    if (!lock) {
      inUse.push(name);
      continue;
    }
    try {
      await clear(name);
      await removeLeased(parent, name, lock);
    } catch (error) {
      failures.push(error);
    } finally {
      lock.release();
    }
  }
  removeOrphanLocks(parent);
  return {inUse, failures};
}

/** A process that was killed between two steps leaves a lock without its directory; no name is used twice. */
function removeOrphanLocks(parent: string): void {
  const directories = new Set(list(parent).map(({name}) => name));
  const oldest = Date.now() - ORPHAN_MS;
  for (const {name} of list(join(parent, LOCKS))) {
    if (directories.has(name.replace(/\.lock$/, ''))) continue;
    const path = join(parent, LOCKS, name);
    const modified = lstatSync(path, {throwIfNoEntry: false})?.mtimeMs ?? oldest;
    if (modified < oldest) rmSync(path, {force: true});
  }
}

/** The process that a directory belongs to, for messages. */
export const findLeaseHolder = (parent: string, name: string): ProcessFacts | null =>
  openLockDirectory(join(parent, LOCKS)).findHolder(name);

/** Asynchronous, a removal takes a dozen turns through the thread pool: 15 ms of a run of 150. */
function removeOwn(parent: string, name: string, lock: Lock): void {
  // A removal would go through what is still mounted there, to files that are not the directory's.
  detachBelow(join(parent, name));
  removeTreeSync(join(parent, name));
  rmSync(join(parent, LOCKS, `${name}.lock`), {force: true});
  lock.release();
}

/** The lock's file goes while it is still held; its name is never used again. */
async function removeLeased(parent: string, name: string, lock: Lock): Promise<void> {
  await rm(join(parent, name), {recursive: true, force: true});
  await rm(join(parent, LOCKS, `${name}.lock`), {force: true});
  lock.release();
}

function list(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, {withFileTypes: true});
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
