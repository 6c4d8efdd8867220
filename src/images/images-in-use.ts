import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {ProcessFacts} from '../events.ts';
import {findLeaseHolder, sweepLeasedDirectories} from '../host/leased-directories.ts';
import {storageError} from '../host/storage-error.ts';
import type {Store} from '../store/store.ts';

const IMAGE_FILE = 'image';

/** A running container. */
export interface ImageUse {
  readonly imageId: string;
  readonly containerId: string;
  /** Null: it was given none. */
  readonly name: string | null;
  /** The process that runs it, as far as the kernel tells. */
  readonly holder: ProcessFacts | null;
}

/**
 * Notes in a container's directory in the store which image it runs, and under what name; the note goes with the directory.
 *
 * A full disk keeps no image from running: without a note the image may be removed, and what is mounted of it stays.
 */
export function noteImageInUse(directory: string, imageId: string, name = ''): void {
  try {
    writeFileSync(join(directory, IMAGE_FILE), `${imageId}\n${name}`, {mode: 0o600});
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

/** The images that the containers of a store run. */
export function listImagesInUse({paths}: Store): readonly ImageUse[] {
  const ids = unlessAbsent(() => readdirSync(paths.containers)) ?? [];
  return ids.flatMap((containerId) => {
    const note = unlessAbsent(() => readFileSync(join(paths.containers, containerId, IMAGE_FILE), 'utf8'));
    if (note === null) return [];
    const [imageId = '', name = ''] = note.split('\n');
    return [{imageId, containerId, name: name || null, holder: findLeaseHolder(paths.containers, containerId)}];
  });
}

function unlessAbsent<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
