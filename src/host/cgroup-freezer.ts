import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {Cgroups} from './cgroups.ts';

interface Freezer {
  readonly file: string;
  readonly frozen: RegExp;
  readonly thaw: string;
}

/** Whether the processes of a cgroup are stopped, or about to be. */
export function isFrozen(cgroups: Cgroups, path: string): boolean {
  const {file, frozen} = freezerOf(cgroups, path);
  try {
    return frozen.test(readFileSync(file, 'utf8'));
  } catch (error) {
    // ENODEV: the cgroup went while its file was being read.
    if (hasErrno(error, 'ENOENT', 'ENODEV', 'ENOTDIR')) return false;
    throw error;
  }
}

/** Lets the processes of a cgroup go on; without effect where they do, or where this process may not. */
export function thaw(cgroups: Cgroups, path: string): void {
  const {file, thaw: word} = freezerOf(cgroups, path);
  try {
    writeFileSync(file, word, {flag: 'r+'});
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENODEV', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS')) throw error;
  }
}

/** @see cgroups(7); kernel documentation admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst */
function freezerOf({controllers, unified}: Cgroups, path: string): Freezer {
  const mountPoint = controllers.get('freezer');
  if (mountPoint !== undefined) {
    return {file: join(mountPoint, path, 'freezer.state'), frozen: /^FR/, thaw: 'THAWED'};
  }
  return {file: join(unified ?? '/sys/fs/cgroup', path, 'cgroup.freeze'), frozen: /^1/, thaw: '0'};
}
