import {closeSync, constants, fstatSync, readSync, type Stats} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {Syscalls} from './syscalls.ts';

/** Nothing below a rootfs is opened otherwise: a FIFO must not block, a terminal must not become ours. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** What a lookup of a path that is not there (or not to be followed) fails with. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO', 'ENODEV', 'ENAMETOOLONG'] as const;

/**
 * Reads a file of a rootfs; null when there is none.
 *
 * Symlinks are followed within the rootfs only. Anything but a regular file is refused: a device or FIFO of the image
 * would be the host's (CVE-2024-9676). Synchronous, since the rootfs may be mounted for the calling thread only.
 *
 * @param rootFd An open directory: the rootfs.
 * @param limitBytes Largest size that is read (CVE-2026-47262).
 * @throws {WinchError} `ROOTFS_FILE_INVALID`: not a regular file, or larger than the limit.
 */
export function readFileInRoot(
  syscalls: Syscalls,
  rootFd: number,
  file: {readonly path: string; readonly limitBytes: number},
): Buffer | null {
  const found = withFileInRoot(syscalls, {rootFd, path: file.path}, (fd, stats) => {
    if (!stats.isFile()) throw invalidFile(file.path, 'is not a regular file');
    return readWhole(fd, file);
  });
  return found ?? null;
}

/**
 * Calls `use` with a file of the rootfs opened for reading, and closes it afterwards. Returns undefined, without a call,
 * when the path leads nowhere within the rootfs.
 */
export function withFileInRoot<T>(
  syscalls: Syscalls,
  {rootFd, path}: {readonly rootFd: number; readonly path: string},
  use: (fd: number, stats: Stats) => T,
): T | undefined {
  const fd = openInRoot(syscalls, rootFd, path);
  if (fd === null) return undefined;
  try {
    return use(fd, fstatSync(fd));
  } finally {
    closeSync(fd);
  }
}

function openInRoot(syscalls: Syscalls, rootFd: number, path: string): number | null {
  try {
    return syscalls.openInRoot(rootFd, path, READ_FLAGS);
  } catch (error) {
    if (hasErrno(error, ...ABSENT)) return null;
    throw error;
  }
}

function readWhole(fd: number, {path, limitBytes}: {readonly path: string; readonly limitBytes: number}): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  // The size is not asked beforehand: the file may grow, and files of /proc have none.
  for (let count = -1; count !== 0; total += count) {
    if (total > limitBytes) throw invalidFile(path, `is larger than ${limitBytes} bytes`);
    const chunk = Buffer.allocUnsafe(Math.min(65_536, limitBytes + 1));
    count = readSync(fd, chunk);
    chunks.push(chunk.subarray(0, count));
  }
  return Buffer.concat(chunks);
}

const invalidFile = (path: string, problem: string): WinchError =>
  new WinchError('ROOTFS_FILE_INVALID', `${excerpt(path)} in the image ${problem}`, {kind: 'refused'});
