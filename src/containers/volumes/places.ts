import {join} from 'node:path';
import {WinchError} from '../../errors.ts';
import {type Lock, openLockDirectory} from '../../host/locks.ts';
import {storageError} from '../../host/storage-error.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ContainerContext} from '../context.ts';

/** Names that begin so are of volumes that are not there yet, or no more. */
export const PASSING = '.';

/** What a volume consists of, in a directory of its own. */
export interface VolumePlaces {
  readonly directory: string;
  /** What was asked for; written once. */
  readonly record: string;
  /** What containers mount. */
  readonly data: string;
  /** What an image has for it, whole, on its way into it; otherwise not there. */
  readonly filling: string;
  /** As `filling`, while it is written. */
  readonly halfFilling: string;
}

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

export const volumePlaces = (directory: string): VolumePlaces => ({
  directory,
  record: join(directory, 'volume.json'),
  data: join(directory, '_data'),
  filling: join(directory, 'filling'),
  halfFilling: join(directory, 'filling.half'),
});

export const placesOfVolume = ({store}: ContainerContext, name: string): VolumePlaces =>
  volumePlaces(join(store.paths.volumes, name));

/** @throws {WinchError} `VOLUME_NAME_INVALID` */
export function requireVolumeName(name: string): void {
  if (NAME_PATTERN.test(name)) return;
  throw new WinchError('VOLUME_NAME_INVALID', `${excerpt(name)} is no name of a volume`, {
    kind: 'invalid',
    hint: 'letters, digits, "_", "." and "-" are allowed, a letter or digit first; a directory begins with / or .',
  });
}

const locksOf = ({store}: ContainerContext) => openLockDirectory(join(store.paths.volumes, '.locks'));

/** Held by whoever makes, fills or removes volumes, or begins to use one. */
export async function lockVolumes(context: ContainerContext, signal?: AbortSignal): Promise<Lock> {
  try {
    return await locksOf(context).acquire('all', {mode: 'exclusive', signal});
  } catch (error) {
    throw storageError(error, context.store.paths.volumes);
  }
}

const useName = (volume: string): string => `use-${volume}`;

/** Keeps a volume until it is released, or this process dies. Whoever calls holds the lock of all volumes. */
export function useVolume(context: ContainerContext, name: string): Lock {
  const lock = locksOf(context).tryAcquire(useName(name), 'shared');
  if (lock) return lock;
  throw new Error(`the volume ${name} is being removed by somebody without the lock of all volumes`);
}

/** Null: somebody uses it right now. Whoever calls holds the lock of all volumes. */
export const tryOwnVolume = (context: ContainerContext, name: string): Lock | null =>
  locksOf(context).tryAcquire(useName(name), 'exclusive');

/** Where the lock of a volume that is no more is to be removed, while it is still held. */
export const useLockFile = ({store}: ContainerContext, name: string): string =>
  join(store.paths.volumes, '.locks', `${useName(name)}.lock`);
