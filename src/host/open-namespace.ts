import {closeSync, constants, openSync, readlinkSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/** A pipe in the place of a namespace is not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Opens a namespace by its path (`/proc/PID/ns/net`, or where one is mounted; namespaces(7)).
 *
 * @returns a descriptor; null: there is no namespace of that kind.
 */
export function openNamespace(path: string, kind: 'net' | 'pid' | 'ipc' | 'mnt' | 'user'): number | null {
  const fd = openOrNull(path);
  if (fd === null || readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${kind}:[`)) return fd;
  closeSync(fd);
  return null;
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, FLAGS);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ENXIO')) return null;
    throw error;
  }
}
