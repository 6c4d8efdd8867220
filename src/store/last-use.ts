import {statSync, utimesSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import type {Digest} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';

/** A store that cannot be written is used all the same, and an image may be removed meanwhile. */
const HARMLESS = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'ENOENT', 'ENOTDIR'] as const;

/**
 * Notes that an image is used: the modification time of its manifest's blob says when. That costs a start no transaction
 * and no sync, and goes along with a store that is copied.
 *
 * @param usedAt Milliseconds since 1970.
 */
export function noteUse(paths: StorePaths, manifestDigest: Digest, usedAt: number): void {
  const path = paths.blob(manifestDigest);
  try {
    utimesSync(path, usedAt / 1000, usedAt / 1000);
  } catch (error) {
    if (!hasErrno(error, ...HARMLESS)) throw storageError(error, path);
  }
}

/** When an image was pulled, loaded or used last, in milliseconds since 1970; null: its manifest is not there. */
export function lastUseOf(paths: StorePaths, manifestDigest: Digest): number | null {
  const path = paths.blob(manifestDigest);
  try {
    return statSync(path).mtimeMs;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw storageError(error, path);
  }
}
