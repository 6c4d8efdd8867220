import {closeSync, constants, lstatSync, type Stats} from 'node:fs';
import {posix} from 'node:path';
import {hasErrno, WinchError} from '../../errors.ts';
import {resolveInRoot} from '../../host/root-path.ts';
import type {Syscalls} from '../../host/syscalls.ts';
import type {TreePlace} from '../../layers/tree-tar.ts';
import {excerpt} from '../../oci/excerpt.ts';

/** A file of a container, by the open directory that it is in. */
export interface LocatedFile extends TreePlace, Disposable {
  /** Absolute, without symlinks but for the last name. */
  readonly path: string;
  /** Null: there is nothing. */
  readonly stats: Stats | null;
}

/** A path of a container, for messages as well. */
export interface ContainerPath {
  readonly container: string;
  readonly path: string;
}

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const NAMES_DIRECTORY = /\/\.?$/;

/** Whether only what is in a directory is meant. */
export const meansContent = (path: string): boolean => path.endsWith('/.') || path === '.';

/**
 * Where a path of a container leads; symlinks are followed within its root file system, one at its end only when that is
 * asked for or there is a slash behind it. Whoever changes the tree meanwhile leads it to another place within.
 *
 * @throws {WinchError} `PATH_UNKNOWN`: a directory on the way is missing · `PATH_LOOP`
 */
export function locateFile(
  syscalls: Syscalls,
  {rootFd, container, path}: ContainerPath & {readonly rootFd: number},
  {followsLast}: {readonly followsLast: boolean},
): LocatedFile {
  const where = `${excerpt(path)} in container ${container}`;
  const resolved = resolvePath(syscalls, {rootFd, path}, followsLast || NAMES_DIRECTORY.test(path));
  if (resolved === null) {
    throw new WinchError('PATH_LOOP', `${where} leads through too many symlinks`, {kind: 'refused'});
  }
  const isRoot = resolved === '/';
  const directory = posix.dirname(resolved);
  const directoryFd = openDirectory(syscalls, {rootFd, directory}, () => unknownPath(where, {container, path}));
  const name = isRoot ? null : Buffer.from(posix.basename(resolved));
  const stats = statsOf(`/proc/self/fd/${directoryFd}/${isRoot ? '.' : posix.basename(resolved)}`);
  return {path: resolved, directoryFd, name, stats, [Symbol.dispose]: () => closeSync(directoryFd)};
}

function resolvePath(
  syscalls: Syscalls,
  {rootFd, path}: {readonly rootFd: number; readonly path: string},
  followsLast: boolean,
): string | null {
  const last = posix.basename(path);
  if (followsLast || last === '..' || last === '.') return resolveInRoot(syscalls, rootFd, path);
  const parent = resolveInRoot(syscalls, rootFd, posix.dirname(path));
  return parent === null ? null : posix.join(parent, last);
}

function openDirectory(
  syscalls: Syscalls,
  {rootFd, directory}: {readonly rootFd: number; readonly directory: string},
  unknown: () => WinchError,
): number {
  try {
    return syscalls.openInRoot(rootFd, directory, DIRECTORY_FLAGS);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
    throw unknown();
  }
}

function statsOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

/** @param place For programs. */
export const unknownPath = (where: string, place?: ContainerPath): WinchError =>
  new WinchError('PATH_UNKNOWN', `there is no ${where}`, {
    kind: 'not-found',
    hint: 'check how its path is written',
    ...(place && {details: {path: place.path, container: place.container}}),
  });
