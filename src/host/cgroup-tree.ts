import {closeSync, constants, mkdirSync, openSync, rmdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {loadAttributeCalls} from './attribute-calls.ts';
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

/** Removes an empty cgroup from every hierarchy, and those of its parents that winch has made and nobody uses any more. */
export function removeCgroupAndParents(cgroups: Cgroups, path: string): void {
  removeCgroup(cgroups, path);
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
    if (!hasErrno(error, 'EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EACCES', 'ENOENT')) throw error;
  }
}

/** False: it stays, and so does what is above it. */
function removeMarked(calls: ReturnType<typeof loadAttributeCalls>, path: string): boolean {
  try {
    if (!calls.read(Buffer.from(path)).has(MARK)) return false;
    rmdirSync(path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true;
    if (hasErrno(error, 'EBUSY', 'ENOTEMPTY', 'ENOTDIR', 'EROFS', 'EACCES', 'EPERM')) return false;
    throw error;
  }
}
