import {closeSync, constants, readlinkSync} from 'node:fs';
import {posix} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {Syscalls} from './syscalls.ts';

/** The kernel's own limit for one lookup. */
export const MAX_SYMLINKS = 40;

/**
 * Where a path of a rootfs leads once every symlink in it is followed within the rootfs. Components that are not there
 * are kept as they are, so the answer is also where the path would be made.
 *
 * Synchronous, since the rootfs may be mounted for the calling thread only.
 *
 * @returns An absolute, normalised path; null when the symlinks form a loop.
 */
export function resolveInRoot(syscalls: Syscalls, rootFd: number, path: string): string | null {
  const pending = path.split('/');
  let resolved = '/';
  let followed = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '' || name === '.') continue;
    const link = name === '..' ? null : readLinkAt(syscalls, rootFd, {directory: resolved, name});
    if (link === null) {
      resolved = posix.resolve(resolved, name);
      continue;
    }
    followed += 1;
    if (followed > MAX_SYMLINKS) return null;
    if (link.startsWith('/')) resolved = '/';
    pending.unshift(...link.split('/'));
  }
  return resolved;
}

/** The target of a symlink, null for anything else. `directory` holds no symlinks, so opening it cannot be diverted. */
export function readLinkAt(
  syscalls: Syscalls,
  rootFd: number,
  {directory, name}: {readonly directory: string; readonly name: string},
): string | null {
  try {
    const fd = syscalls.openInRoot(rootFd, directory, constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      return readlinkSync(`/proc/self/fd/${fd}/${name}`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EINVAL', 'ENAMETOOLONG')) return null;
    throw error;
  }
}
