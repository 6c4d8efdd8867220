import {mkdir, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import type {StorePaths} from './paths.ts';

/** Takes a damaged file out of its place, so that it can be had again; the next garbage collection deletes it. */
export async function setAside(paths: StorePaths, path: string): Promise<void> {
  try {
    await mkdir(paths.trash, {recursive: true, mode: 0o700});
    await rename(path, join(paths.trash, randomHex(8)));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return;
    if (!hasErrno(error, 'EXDEV')) throw storageError(error, path);
    // Directories of a store may be links to other disks.
    await rm(path, {recursive: true, force: true});
  }
}
