import {closeSync, constants, fstatSync, openSync, readdirSync, readFileSync} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import type {HostFiles} from '../registry/host-plan.ts';

/** A list of registries or a bundle of certificates is shorter. */
const LIMIT_BYTES = 1_048_576;
const NAMES_LIMIT = 10_000;

/**
 * Reads the files that say where registries are.
 *
 * @throws {WinchError} `REGISTRY_CONFIG_INVALID`: a file is there but cannot be read, or is larger than 1 MiB.
 */
export const hostFiles: HostFiles = Object.freeze({
  read: async (path: string) => {
    try {
      return readSmall(path);
    } catch (error) {
      return absentOr(error, path);
    }
  },
  list: async (directory: string) => {
    try {
      return readdirSync(directory).toSorted().slice(0, NAMES_LIMIT);
    } catch (error) {
      return absentOr(error, directory) ?? [];
    }
  },
});

/** Synchronous: a dozen files that are mostly not there would cost as many turns through the thread pool. */
function readSmall(path: string): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw unreadable(path, 'is no file');
    if (status.size > LIMIT_BYTES) throw unreadable(path, 'is larger than 1 MiB');
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function absentOr(error: unknown, path: string): null {
  if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
  if (!hasErrno(error, 'EACCES', 'EPERM', 'EISDIR', 'ELOOP', 'ENAMETOOLONG')) throw error;
  throw unreadable(path, `cannot be read (${error.code})`, error);
}

const unreadable = (path: string, fault: string, cause?: unknown): WinchError =>
  new WinchError('REGISTRY_CONFIG_INVALID', `${path} ${fault}`, {
    kind: 'invalid',
    hint: 'check what it is, its owner and its mode; no registry was asked',
    details: {file: path},
    cause,
  });
