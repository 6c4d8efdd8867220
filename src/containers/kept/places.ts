import {join} from 'node:path';
import {type Lock, openLockDirectory} from '../../host/locks.ts';
import {storageError} from '../../host/storage-error.ts';
import {IMAGE_FILE} from '../../images/images-in-use.ts';
import type {ContainerContext} from '../context.ts';

/** Names that begin so are of containers that are not there yet, or no more. */
export const PASSING = '.';

/** What a kept container consists of, in a directory of its own in the store. */
export interface KeptPlaces {
  readonly directory: string;
  /** What was asked for; written once. */
  readonly record: string;
  /** Its image, for those who want to remove it, and its name. */
  readonly note: string;
  /** What it writes: `upper` and `work` of an overlay, or all files as `rootfs`, and copies of other images as `images`. */
  readonly writable: string;
  /** What it prints, from its first start on. */
  readonly log: string;
  /** Which start was the last. */
  readonly start: string;
  /** One directory for each start: its exit code and what else is noted of it. */
  readonly starts: string;
}

export const keptPlaces = (directory: string): KeptPlaces => ({
  directory,
  record: join(directory, 'container.json'),
  note: join(directory, IMAGE_FILE),
  writable: join(directory, 'writable'),
  log: join(directory, 'log'),
  start: join(directory, 'start.json'),
  starts: join(directory, 'starts'),
});

export const placesOf = ({store}: ContainerContext, id: string): KeptPlaces => keptPlaces(join(store.paths.kept, id));

/** In memory: the bundle, with all that it tells of the environment, and the mount points. */
export const volatileDirectory = ({runtimeDirectory}: ContainerContext, id: string): string =>
  join(runtimeDirectory, 'kept', id);

/** In memory: the processes that serve the mounts of a container, as they were started. */
export const serversOf = (context: ContainerContext, id: string): string =>
  join(volatileDirectory(context, id), 'servers');

const locksOf = ({store}: ContainerContext) => openLockDirectory(join(store.paths.kept, '.locks'));

/** Held by whoever makes, starts, clears or removes a container. */
export async function lockContainer(context: ContainerContext, id: string, signal?: AbortSignal): Promise<Lock> {
  try {
    return await locksOf(context).acquire(id, {mode: 'exclusive', signal});
  } catch (error) {
    throw storageError(error, context.store.paths.kept);
  }
}

/** As `lockContainer`; null when somebody is at it. */
export const tryLockContainer = (context: ContainerContext, id: string): Lock | null =>
  locksOf(context).tryAcquire(id, 'exclusive');

/** Where the lock of a container that is no more is to be removed. */
export const lockFile = ({store}: ContainerContext, id: string): string =>
  join(store.paths.kept, '.locks', `${id}.lock`);
