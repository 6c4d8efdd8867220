import {renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {syncDirectory} from '../../host/atomic-write.ts';
import {storageError} from '../../host/storage-error.ts';
import {type LabelFilter, matchesLabels} from '../../images/prune-filter.ts';
import {measureTree} from '../../store/file-sizes.ts';
import {listVolumeUses} from '../../store/volume-uses.ts';
import type {ContainerContext} from '../context.ts';
import {nameOf} from '../kept/find-container.ts';
import {findRecord} from '../kept/record.ts';
import {recordVolumeEvent} from '../record-events.ts';
import {sweepVolumes} from './create-volume.ts';
import {lockVolumes, PASSING, placesOfVolume, requireVolumeName, tryOwnVolume, useLockFile} from './places.ts';
import {findVolume, listVolumes, unknownVolume} from './volume.ts';

export interface RemoveVolumeOptions extends CallOptions {
  /** One that is not there is no failure. */
  readonly force?: boolean | undefined;
}

/**
 * Removes a volume with its files.
 *
 * @throws {WinchError} `VOLUME_UNKNOWN` | `VOLUME_IN_USE`: a container that is kept mounts it, or one that runs
 */
export async function removeVolume(
  context: ContainerContext,
  name: string,
  {force = false, signal}: RemoveVolumeOptions = {},
): Promise<void> {
  requireVolumeName(name);
  if (!findVolume(context, name)) {
    if (force) return;
    throw unknownVolume(name);
  }
  using _lock = await lockVolumes(context, signal);
  // Somebody else may have removed it meanwhile.
  const user = findVolume(context, name) ? await takeAway(context, name) : null;
  if (user !== null) throw volumeInUse(name, user);
  await sweepVolumes(context);
}

export interface PruneVolumesOptions extends CallOptions {
  /** Those with a name of their own as well. */
  readonly all?: boolean | undefined;
  /** Only volumes for which all of these hold. */
  readonly labels?: readonly LabelFilter[] | undefined;
}

export interface PrunedVolumes {
  readonly removed: readonly string[];
  readonly freedBytes: number;
}

/** Removes the volumes that no container mounts: those that nobody named, or all. */
export async function pruneVolumes(
  context: ContainerContext,
  {all = false, labels = [], signal}: PruneVolumesOptions = {},
): Promise<PrunedVolumes> {
  const removed: string[] = [];
  let freedBytes = 0;
  if (listVolumes(context).length === 0) return {removed, freedBytes};
  using _lock = await lockVolumes(context, signal);
  for (const volume of listVolumes(context)) {
    signal?.throwIfAborted();
    if (!(all || volume.isAnonymous) || !matchesLabels(volume.labels, labels)) continue;
    const bytes = measureTree(placesOfVolume(context, volume.name).directory);
    if ((await takeAway(context, volume.name)) !== null) continue;
    removed.push(volume.name);
    freedBytes += bytes;
  }
  await sweepVolumes(context);
  return {removed, freedBytes};
}

/** Removes of these the volumes that were made for a container that did not name them, and that no other mounts. */
export async function removeAnonymous(context: ContainerContext, names: readonly string[]): Promise<void> {
  const anonymous = names.filter((name) => findVolume(context, name)?.isAnonymous);
  if (anonymous.length === 0) return;
  using _lock = await lockVolumes(context);
  for (const name of anonymous) await takeAway(context, name);
  await sweepVolumes(context);
}

/**
 * Renames a volume that nobody uses to where `sweepVolumes` removes it. Whoever calls holds the lock of all volumes.
 *
 * @returns who uses it; null: it is gone
 */
async function takeAway(context: ContainerContext, name: string): Promise<string | null> {
  const {paths, durability} = context.store;
  using own = tryOwnVolume(context, name);
  if (own === null) return 'a container that runs';
  const [user] = listVolumeUses(paths).get(name) ?? [];
  if (user !== undefined) return `container ${nameOf(findRecord(context, user) ?? {id: user, name: null})}`;
  try {
    renameSync(placesOfVolume(context, name).directory, join(paths.volumes, `${PASSING}gone-${name}`));
    if (durability === 'full') await syncDirectory(paths.volumes);
    rmSync(useLockFile(context, name), {force: true});
    recordVolumeEvent(context, 'destroy', name);
  } catch (error) {
    throw storageError(error, paths.volumes);
  }
  return null;
}

const volumeInUse = (name: string, user: string): WinchError =>
  new WinchError('VOLUME_IN_USE', `volume ${name} is in use by ${user}`, {
    kind: 'refused',
    hint: 'remove the container first',
  });
