import type {CallOptions} from '../../events.ts';
import {listVolumeUses} from '../../store/volume-uses.ts';
import type {ContainerContext} from '../context.ts';
import {listVolumes, requireVolume, type Volume} from './volume.ts';

export interface VolumeDetails extends Volume {
  /** Ids of the kept containers that mount it. */
  readonly usedBy: readonly string[];
}

/** All volumes of the store, by name. */
export async function listVolumeDetails(
  context: ContainerContext,
  {signal}: CallOptions = {},
): Promise<readonly VolumeDetails[]> {
  signal?.throwIfAborted();
  const uses = listVolumeUses(context.store.paths);
  return listVolumes(context).map((volume) => ({...volume, usedBy: uses.get(volume.name) ?? []}));
}

/** @throws {WinchError} `VOLUME_NAME_INVALID` | `VOLUME_UNKNOWN` */
export async function inspectVolume(context: ContainerContext, name: string): Promise<VolumeDetails> {
  const volume = requireVolume(context, name);
  return {...volume, usedBy: listVolumeUses(context.store.paths).get(name) ?? []};
}
