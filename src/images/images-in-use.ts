import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {sweepLeasedDirectories} from '../host/leased-directories.ts';
import {storageError} from '../host/storage-error.ts';
import type {Store} from '../store/store.ts';

const IMAGE_FILE = 'image';

/**
 * Notes in a container's directory in the store which image it runs; the note goes with the directory.
 *
 * A full disk keeps no image from running: without a note the image may be removed, and what is mounted of it stays.
 */
export function noteImageInUse(directory: string, imageId: string): void {
  try {
    writeFileSync(join(directory, IMAGE_FILE), imageId, {mode: 0o600});
  } catch (error) {
    if (!hasErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
  }
}

/**
 * Removes what containers wrote whose winch is dead, after which every note is that of a running one.
 *
 * @throws {WinchError} of a store that cannot be written
 */
export async function forgetDeadContainers({paths}: Store): Promise<void> {
  try {
    await sweepLeasedDirectories(paths.containers, async () => {});
  } catch (error) {
    throw storageError(error, paths.containers);
  }
}

/** The ids of the images that the containers of a store run. */
export function readImagesInUse({paths}: Store): ReadonlySet<string> {
  const read = (id: string) => unlessAbsent(() => readFileSync(join(paths.containers, id, IMAGE_FILE), 'utf8')) ?? [];
  return new Set((unlessAbsent(() => readdirSync(paths.containers)) ?? []).flatMap(read));
}

function unlessAbsent<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
