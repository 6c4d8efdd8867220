import {closeSync, constants, openSync} from 'node:fs';
import {posix} from 'node:path';
import {hasErrno} from '../errors.ts';
import {isKernelDirectory} from './kernel-directories.ts';
import {MAX_SYMLINKS, readLinkAt} from './root-path.ts';
import type {Syscalls} from './syscalls.ts';

/** What is mounted over a root file system. */
export interface MountedTree {
  /** Absolute and plain. */
  readonly target: string;
  /** Where the calling thread finds it. */
  readonly source: string;
}

export interface ContainerTree {
  readonly rootFd: number;
  readonly mounts: readonly MountedTree[];
}

/**
 * Whether a path of a container, as the kernel will resolve it there, keeps out of `/proc`, `/sys` and `/dev` all the way:
 * their links may lead to the host, and `..` behind such a link is not what it seems. False as well for a loop.
 *
 * Synchronous, since the trees may be mounted for the calling thread only.
 */
export function isHarmlessPath(syscalls: Syscalls, tree: ContainerTree, path: string): boolean {
  const pending = path.split('/');
  let resolved = '/';
  let followed = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '' || name === '.') continue;
    const link = name === '..' ? null : readLink(syscalls, tree, {directory: resolved, name});
    if (link === null) {
      resolved = posix.resolve(resolved, name);
      if (isKernelDirectory(resolved)) return false;
      continue;
    }
    followed += 1;
    if (followed > MAX_SYMLINKS) return false;
    if (link.startsWith('/')) resolved = '/';
    pending.unshift(...link.split('/'));
  }
  return true;
}

interface Name {
  /** Without symlinks. */
  readonly directory: string;
  readonly name: string;
}

function readLink(syscalls: Syscalls, {rootFd, mounts}: ContainerTree, {directory, name}: Name): string | null {
  const path = posix.join(directory, name);
  // What is mounted somewhere is no symlink.
  if (mounts.some(({target}) => target === path)) return null;
  const mount = mounts
    .filter(({target}) => path.startsWith(`${target}/`))
    .toSorted((a, b) => b.target.length - a.target.length)[0];
  if (mount === undefined) return readLinkAt(syscalls, rootFd, {directory, name});
  const fd = openOrNull(mount.source);
  if (fd === null) return null;
  try {
    return readLinkAt(syscalls, fd, {directory: directory.slice(mount.target.length) || '/', name});
  } finally {
    closeSync(fd);
  }
}

/** Null: it is a file. */
function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (hasErrno(error, 'ENOTDIR')) return null;
    throw error;
  }
}
