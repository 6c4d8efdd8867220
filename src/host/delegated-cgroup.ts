import {accessSync, constants} from 'node:fs';
import {dirname, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {type Cgroups, readCgroups} from './cgroups.ts';
import {readOwnCgroupPath} from './own-cgroup-path.ts';

/** Whom these belong to may make cgroups, give them controllers, and move processes there from those beside them. */
const DELEGATED = ['.', 'cgroup.procs', 'cgroup.subtree_control'];

/**
 * Where somebody who is not root can make cgroups of the unified tree, as a path below its mount point: that above the own
 * one, whose processes keep controllers from those below it. What systemd starts for a user is in such a place.
 *
 * @returns null: nothing is delegated to this user there.
 * @see kernel documentation admin-guide/cgroup-v2.rst "Delegation"
 */
export function findDelegatedCgroup({version, unified}: Cgroups = readCgroups()): string | null {
  if (version !== 'v2' || unified === null) return null;
  const own = readOwnCgroupPath();
  return own === null ? null : findAbove(unified, own);
}

/** As {@link findDelegatedCgroup}, of a process that is in another cgroup. */
export function findAbove(unified: string, own: string): string | null {
  if (own === '/') return null;
  const parent = dirname(own);
  return DELEGATED.every((name) => mayWrite(join(unified, parent, name))) ? parent : null;
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    if (hasErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
