import {randomBytes} from 'node:crypto';
import {mkdir, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import type {StorePaths} from './paths.ts';

/** Takes a damaged file out of its place, so that it can be had again; the next garbage collection deletes it. */
export async function setAside(paths: StorePaths, path: string): Promise<void> {
  try {
    await mkdir(paths.trash, {recursive: true, mode: 0o700});
    await rename(path, join(paths.trash, randomBytes(8).toString('hex')));
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw storageError(error, path);
  }
}

/**
 * Takes the database out of its place, and keeps it; who still has it open goes on with the old one.
 *
 * @returns where it is now
 */
export async function setDatabaseAside({database}: StorePaths): Promise<string> {
  const kept = `${database}.damaged-${randomBytes(4).toString('hex')}`;
  try {
    // The log goes first: beside a new database it would be taken for its own.
    for (const suffix of ['-wal', '-shm', '']) {
      await rename(`${database}${suffix}`, `${kept}${suffix}`).catch((error: unknown) => {
        if (!hasErrno(error, 'ENOENT')) throw error;
      });
    }
    await rm(`${kept}-shm`, {force: true});
  } catch (error) {
    throw storageError(error, database);
  }
  return kept;
}
