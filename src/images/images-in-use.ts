import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {ProcessFacts} from '../events.ts';
import {findLeaseHolder, sweepLeasedDirectories} from '../host/leased-directories.ts';
import {storageError} from '../host/storage-error.ts';
import type {Store} from '../store/store.ts';

/** The note of a container, in its directory. */
export const IMAGE_FILE = 'image';

/** A container that is running, or is kept to be started. */
export interface ImageUse {
  readonly imageId: string;
  readonly containerId: string;
  /** Null: it was given none. */
  readonly name: string | null;
  /** Whether it outlives its command, and may be started again. */
  readonly isKept: boolean;
  /** Whether it is mounted in the container, which is of another one. */
  readonly isMounted: boolean;
  /** The process that runs it, as far as the kernel tells; null as well for one that is kept. */
  readonly holder: ProcessFacts | null;
}

/** What is noted of a container for those who want to remove an image, or to take a name. */
export interface ImageNote {
  readonly imageId: string;
  /** The container's. */
  readonly name: string | null;
  /** Ids of the images that are mounted in it. */
  readonly mountedIds: readonly string[];
}

/**
 * Notes in a container's directory in the store which images it has, and under what name; the note goes with the directory.
 *
 * A full disk keeps no image from running: without a note the image may be removed, and what is mounted of it stays.
 */
export function noteImageInUse(directory: string, note: ImageNote): void {
  try {
    writeFileSync(join(directory, IMAGE_FILE), imageNote(note), {mode: 0o600});
  } catch (error) {
    if (!hasErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
  }
}

/** What stands in the note of a container, for whoever has to write it so that it lasts. */
export const imageNote = ({imageId, name, mountedIds}: ImageNote): string =>
  [imageId, name ?? '', ...mountedIds].join('\n');

export const nameInNote = (note: string): string | null => note.split('\n')[1] || null;

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

/** The images of a store's containers. */
export const listImagesInUse = ({paths}: Store): readonly ImageUse[] => [
  ...readNotes(paths.containers).map((use) => ({
    ...use,
    isKept: false,
    holder: findLeaseHolder(paths.containers, use.containerId),
  })),
  ...readNotes(paths.kept).map((use) => ({...use, isKept: true, holder: null})),
];

function readNotes(parent: string): readonly Omit<ImageUse, 'isKept' | 'holder'>[] {
  const names = unlessAbsent(() => readdirSync(parent)) ?? [];
  // Locks, and what is not there yet or no more.
  const ids = names.filter((name) => !name.startsWith('.'));
  return ids.flatMap((containerId) => {
    const note = unlessAbsent(() => readFileSync(join(parent, containerId, IMAGE_FILE), 'utf8'));
    if (note === null) return [];
    const [imageId = '', , ...mountedIds] = note.split('\n');
    const use = {containerId, name: nameInNote(note)};
    return [
      {...use, imageId, isMounted: false},
      ...mountedIds.map((mounted) => ({...use, imageId: mounted, isMounted: true})),
    ];
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
