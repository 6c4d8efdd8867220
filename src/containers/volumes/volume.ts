import {readFileSync} from 'node:fs';
import type {MountedDevice} from '../../bundle/container-options.ts';
import {WinchError} from '../../errors.ts';
import {namesIn, unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {PASSING, placesOfVolume, requireVolumeName} from './places.ts';

/** Files that outlive containers, under a name. */
export interface Volume extends VolumeRecord {
  /** Absolute path of its files. */
  readonly directory: string;
}

/** What a volume was made from; never changes. */
export interface VolumeRecord {
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it was made for a container that did not name it. */
  readonly isAnonymous: boolean;
  /** What each container that uses it mounts for itself; absent: a directory of the store. */
  readonly mounts?: MountedDevice;
}

/** All volumes of the store, by name. @throws {WinchError} `STORE_CORRUPT` */
export const listVolumes = (context: ContainerContext): readonly Volume[] =>
  namesIn(context.store.paths.volumes)
    .filter((name) => !name.startsWith(PASSING))
    .toSorted()
    .flatMap((name) => findVolume(context, name) ?? []);

/** @throws {WinchError} `VOLUME_NAME_INVALID` | `VOLUME_UNKNOWN` | `STORE_CORRUPT` */
export function requireVolume(context: ContainerContext, name: string): Volume {
  requireVolumeName(name);
  const volume = findVolume(context, name);
  if (volume) return volume;
  throw unknownVolume(name);
}

/** @throws {WinchError} `STORE_CORRUPT` */
export function findVolume(context: ContainerContext, name: string): Volume | null {
  const {record, data} = placesOfVolume(context, name);
  const text = unlessGone(() => readFileSync(record, 'utf8'), null);
  if (text === null) return null;
  try {
    return {...(JSON.parse(text) as VolumeRecord), directory: data};
  } catch (error) {
    throw new WinchError('STORE_CORRUPT', `${record} is damaged`, {
      kind: 'corrupt',
      hint: `its files are beside it, in ${data}`,
      cause: error,
    });
  }
}

export const unknownVolume = (name: string): WinchError =>
  new WinchError('VOLUME_UNKNOWN', `there is no volume ${name}`, {
    kind: 'not-found',
    hint: 'list the volumes that there are',
    details: {volume: name},
  });
