import {closeSync, constants, mkdirSync, openSync, rmdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {type AttributeCalls, loadAttributeCalls} from './attribute-calls.ts';
import {type Cgroups, mountPointsOf, removeCgroup} from './cgroups.ts';
import {loadTreeCalls, type TreeCalls} from './tree-calls.ts';

/** Of a cgroup that winch has made, of which others may hold some: it goes with the last of them. */
const MARK = 'trusted.winch';
/** Somebody else may be taking the parents away at the same time. */
const ATTEMPTS = 100;

/**
 * Makes a cgroup in every hierarchy, with the parents that there are not, which are marked. Once it is there, nobody can
 * remove them. A hierarchy that this process may not write is left out.
 *
 * @throws a Node system error (`ENOTDIR`, `EAGAIN`, `ENOSPC` …)
 */
export function makeCgroup(cgroups: Cgroups, path: string): void {
  const calls = loadTreeCalls();
  for (const mountPoint of mountPointsOf(cgroups)) {
    try {
      makeBelow(calls, mountPoint, path);
    } catch (error) {
      // The runtime tells, where it needs that one.
      if (!hasErrno(error, 'EROFS', 'EACCES', 'EPERM')) throw error;
    }
  }
}

/**
 * The parents of a cgroup, as directories, that `makeCgroup` may come to make: all but those that others have made. Whoever
 * may be killed at that notes them before: between the making of one and its mark there are milliseconds.
 */
export function findParentsToMake(cgroups: Cgroups, path: string): readonly string[] {
  const calls = loadAttributeCalls();
  const parents = mountPointsOf(cgroups).flatMap((mountPoint) =>
    parentsOf(path).map((parent) => join(mountPoint, parent)),
  );
  return parents.filter((parent) => hasMark(calls, parent) ?? true);
}

/**
 * Removes an empty cgroup from every hierarchy, and those of its parents that winch has made and nobody uses any more.
 *
 * @param unmarked Parents that may lack their mark, since whoever was about to make them was killed.
 */
export function removeCgroupAndParents(cgroups: Cgroups, path: string, unmarked: readonly string[] = []): void {
  removeCgroup(cgroups, path);
  markAll(unmarked);
  const calls = loadAttributeCalls();
  for (const mountPoint of mountPointsOf(cgroups)) {
    for (const parent of parentsOf(path).toReversed()) if (!removeMarked(calls, join(mountPoint, parent))) break;
  }
}

function makeBelow(calls: TreeCalls, mountPoint: string, path: string): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      for (const parent of parentsOf(path)) {
        if (makeDirectory(join(mountPoint, parent))) mark(calls, join(mountPoint, parent));
      }
      makeDirectory(join(mountPoint, path));
      return;
    } catch (error) {
      if (!hasErrno(error, 'ENOENT') || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Shortest first. */
function parentsOf(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === '/' ? [] : [...parentsOf(parent), parent];
}

function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, {mode: 0o755});
    return true;
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

function markAll(paths: readonly string[]): void {
  if (paths.length === 0) return;
  const calls = loadTreeCalls();
  for (const path of paths) mark(calls, path);
}

/** One that cannot be marked stays, as it does with other engines. */
function mark(calls: TreeCalls, path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      calls.setAttribute(fd, Buffer.from('.'), {name: Buffer.from(MARK), value: Buffer.from('1')});
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!hasErrno(error, 'EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EACCES', 'ENOENT', 'ENOTDIR')) throw error;
  }
}

/** Null: there is none. */
function hasMark(calls: AttributeCalls, path: string): boolean | null {
  try {
    return calls.read(Buffer.from(path)).has(MARK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    if (hasErrno(error, 'ENOTDIR', 'EACCES', 'EPERM')) return false;
    throw error;
  }
}

/** False: it stays, and so does what is above it. */
function removeMarked(calls: AttributeCalls, path: string): boolean {
  const isMarked = hasMark(calls, path);
  if (isMarked !== true) return isMarked === null;
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true;
    if (hasErrno(error, 'EBUSY', 'ENOTEMPTY', 'ENOTDIR', 'EROFS', 'EACCES', 'EPERM')) return false;
    throw error;
  }
}
