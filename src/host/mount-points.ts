import {closeSync, constants, fchmodSync, fstatSync, type Stats} from 'node:fs';
import {posix} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import {type ContainerTree, isHarmlessPath} from './harmless-path.ts';
import {resolveInRoot} from './root-path.ts';
import type {Syscalls} from './syscalls.ts';

export interface MountPoint {
  /** Absolute path in the rootfs. */
  readonly path: string;
  readonly kind: 'directory' | 'file';
  /** Permission bits of a directory that is made; default 0755. Runtimes before runc 1.2 give them to what is mounted. */
  readonly mode?: number | undefined;
  /** Whether a directory that is there gets them as well; default false. */
  readonly hasToHaveMode?: boolean | undefined;
}

/**
 * Paths that winch and the runtime mount over for every container. A symlink there is the image's attempt to have them
 * mounted elsewhere (CVE-2025-31133, CVE-2026-41579) or a leftover of its build; docker removes it as well.
 */
const NEVER_SYMLINKS: readonly string[] = [
  '/dev',
  '/dev/pts',
  '/dev/shm',
  '/proc',
  '/sys',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
];

const DIRECTORY_MODE = 0o755;
const PERMISSIONS = 0o7777;
/** Opens a place without reading from it, so that a device or FIFO there does nothing. */
const PLACE_FLAGS = constants.O_NOFOLLOW | 0o10_000_000;
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Makes the places that a container's mounts need, so that the runtime makes none: symlinks of the image are followed
 * within the rootfs, replaced where only the kernel's file systems belong. Places below another mount are left alone.
 *
 * Needs a rootfs that can be written and that nobody else changes meanwhile. Synchronous, since it may be mounted for
 * the calling thread only.
 *
 * @throws {WinchError} `MOUNT_POINT_INVALID`: the image has a file where a directory must be, or the reverse.
 */
export function prepareMountPoints(syscalls: Syscalls, rootFd: number, points: readonly MountPoint[]): void {
  for (const point of points) {
    const {path} = point;
    if (points.some((other) => other.path !== path && path.startsWith(`${other.path}/`))) continue;
    if (NEVER_SYMLINKS.includes(path)) removeImposter(syscalls, rootFd, point);
    const place = resolveInRoot(syscalls, rootFd, path) ?? path;
    ensurePlace(syscalls, rootFd, {...point, path: place});
  }
}

/**
 * Makes the container's working directory where it is missing, owned by root with mode 0755 as docker does.
 *
 * @throws {WinchError} `WORKING_DIRECTORY_INVALID`: it is no directory, or symlinks of the image lead it to `/proc`,
 * `/sys` or `/dev`, where it would become a directory of the host (CVE-2024-21626).
 */
export function prepareWorkingDirectory(syscalls: Syscalls, rootFd: number, path: string): void {
  requireHarmlessDirectory(syscalls, {rootFd, mounts: []}, path);
  const place = resolveInRoot(syscalls, rootFd, path) ?? path;
  try {
    closeSync(openDirectory(syscalls, rootFd, place));
  } catch (error) {
    if (hasErrno(error, 'ENOTDIR', 'ELOOP')) throw invalidDirectory(path, 'is no directory in the image');
    throw error;
  }
}

/**
 * Refuses a working directory that leads through `/proc`, `/sys` or `/dev`, also by symlinks of what is mounted.
 *
 * @throws {WinchError} `WORKING_DIRECTORY_INVALID`
 */
export function requireHarmlessDirectory(syscalls: Syscalls, tree: ContainerTree, path: string): void {
  if (!isHarmlessPath(syscalls, tree, path)) throw invalidDirectory(path, 'leads out of the image');
}

/** Removes what is neither the directory nor the plain file that belongs there. */
function removeImposter(syscalls: Syscalls, rootFd: number, {path, kind}: MountPoint): void {
  const parent = resolveInRoot(syscalls, rootFd, posix.dirname(path)) ?? '/';
  const place = posix.join(parent, posix.basename(path));
  const stats = statPlace(syscalls, rootFd, place);
  if (stats === null || stats.isDirectory() || (kind === 'file' && stats.isFile())) return;
  const parentFd = syscalls.openInRoot(rootFd, parent, DIRECTORY_FLAGS);
  try {
    syscalls.unlinkAt(parentFd, posix.basename(path));
  } finally {
    closeSync(parentFd);
  }
}

function ensurePlace(syscalls: Syscalls, rootFd: number, point: MountPoint): void {
  const {path, kind} = point;
  const stats = statPlace(syscalls, rootFd, path);
  if (stats !== null) {
    if (stats.isDirectory() === (kind === 'directory')) {
      ensureMode(syscalls, rootFd, {stats, ...point});
      return;
    }
    const [has, needs] = kind === 'directory' ? ['a file', 'a directory'] : ['a directory', 'a file'];
    throw new WinchError('MOUNT_POINT_INVALID', `the image has ${has} at ${excerpt(path)} where ${needs} is mounted`, {
      kind: 'refused',
      hint: 'mount it elsewhere',
    });
  }
  if (kind === 'file') closeSync(createFile(syscalls, rootFd, path));
  else closeSync(withMode(openDirectory(syscalls, rootFd, path), point.mode ?? DIRECTORY_MODE));
}

/** A change of the mode is one of the container's files, so it is made only where there has to be one. */
function ensureMode(
  syscalls: Syscalls,
  rootFd: number,
  {stats, path, mode, hasToHaveMode = false}: MountPoint & {readonly stats: Stats},
): void {
  if (!hasToHaveMode || mode === undefined || (stats.mode & PERMISSIONS) === mode) return;
  closeSync(withMode(syscalls.openInRoot(rootFd, path, DIRECTORY_FLAGS), mode));
}

function statPlace(syscalls: Syscalls, rootFd: number, path: string): Stats | null {
  try {
    const fd = syscalls.openInRoot(rootFd, path, PLACE_FLAGS);
    try {
      return fstatSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

/** Opens a directory, making it and its parents where they are missing. `path` holds no symlinks. */
function openDirectory(syscalls: Syscalls, rootFd: number, path: string): number {
  try {
    return syscalls.openInRoot(rootFd, path, DIRECTORY_FLAGS);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
  const parentFd = openDirectory(syscalls, rootFd, posix.dirname(path));
  try {
    syscalls.makeDirectoryAt(parentFd, posix.basename(path), DIRECTORY_MODE);
  } finally {
    closeSync(parentFd);
  }
  // The process's umask may have taken bits away.
  return withMode(syscalls.openInRoot(rootFd, path, DIRECTORY_FLAGS), DIRECTORY_MODE);
}

function createFile(syscalls: Syscalls, rootFd: number, path: string): number {
  closeSync(openDirectory(syscalls, rootFd, posix.dirname(path)));
  return withMode(syscalls.openInRoot(rootFd, path, CREATE_FLAGS, 0o644), 0o644);
}

function withMode(fd: number, mode: number): number {
  fchmodSync(fd, mode);
  return fd;
}

const invalidDirectory = (path: string, problem: string): WinchError =>
  new WinchError('WORKING_DIRECTORY_INVALID', `working directory ${excerpt(path)} ${problem}`, {
    kind: 'refused',
    hint: 'choose another working directory',
  });
