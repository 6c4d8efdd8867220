import type {Stats} from 'node:fs';
import {posix} from 'node:path';
import {resolveInRoot} from '../../host/root-path.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {type ContainerPath, type LocatedFile, locateFile, unknownPath} from './located-file.ts';
import type {OpenedRoot} from './put-files.ts';

/** What is at a path of a container. */
export interface ContainerPathStatus {
  /** The last name of the path as it was given; `/` and `.` stay. */
  readonly name: string;
  readonly bytes: number;
  /** Kind and permissions, as `stat(2)` has them. */
  readonly mode: number;
  readonly modifiedAt: Date;
  /** Where a symlink leads in the container when all are followed; null: it is none, or leads in circles. */
  readonly linkTarget: string | null;
}

/**
 * What a path of a container leads to, held open.
 *
 * @throws {WinchError} `PATH_UNKNOWN` | `PATH_LOOP`
 */
export function locateExisting(
  {rootFd, syscalls}: OpenedRoot,
  source: ContainerPath,
  options: {readonly followsLast: boolean},
): LocatedFile & {readonly stats: Stats} {
  const file = locateFile(syscalls, {...source, rootFd}, options);
  const {stats} = file;
  if (stats !== null) return {...file, stats};
  file[Symbol.dispose]();
  throw unknownPath(`${excerpt(source.path)} in container ${source.container}`, source);
}

export function describeFile(
  {rootFd, syscalls}: OpenedRoot,
  {path, file}: {readonly path: string; readonly file: LocatedFile & {readonly stats: Stats}},
): ContainerPathStatus {
  const {stats} = file;
  return {
    name: posix.basename(path) || '/',
    bytes: stats.size,
    mode: stats.mode,
    modifiedAt: stats.mtime,
    linkTarget: stats.isSymbolicLink() ? resolveInRoot(syscalls, rootFd, file.path) : null,
  };
}
