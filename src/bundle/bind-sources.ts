import {mkdirSync, realpathSync} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ContainerOptions} from './container-options.ts';

/**
 * The options with every bind source resolved to a path without symlinks, made as a directory where the request allows
 * that and nothing is there.
 *
 * Synchronous: it must see the mounts of the calling thread.
 *
 * @throws {WinchError} `MOUNT_SOURCE_MISSING` | `MOUNT_SOURCE_DENIED`
 */
export function prepareBindSources(options: ContainerOptions): ContainerOptions {
  if (options.mounts === undefined) return options;
  const mounts = options.mounts.map((mount) =>
    mount.type === 'bind' ? {...mount, source: resolveSource(mount.source, mount.createSource)} : mount,
  );
  return {...options, mounts};
}

function resolveSource(source: string, create: boolean): string {
  try {
    return realpathSync.native(source);
  } catch (error) {
    if (hasErrno(error, 'EACCES', 'EPERM')) throw deniedSource(source, error);
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
    if (!create) throw missingSource(source, error);
  }
  return createSource(source);
}

function createSource(source: string): string {
  try {
    mkdirSync(source, {recursive: true});
    return realpathSync.native(source);
  } catch (error) {
    if (hasErrno(error, 'EACCES', 'EPERM', 'EROFS')) throw deniedSource(source, error);
    if (hasErrno(error, 'ENOTDIR', 'EEXIST', 'ENOENT')) throw missingSource(source, error);
    throw error;
  }
}

const missingSource = (source: string, cause: unknown): WinchError =>
  new WinchError('MOUNT_SOURCE_MISSING', `there is nothing at ${excerpt(source)} to mount`, {kind: 'invalid', cause});

const deniedSource = (source: string, cause: unknown): WinchError =>
  new WinchError('MOUNT_SOURCE_DENIED', `${excerpt(source)} may not be read or made`, {kind: 'denied', cause});
