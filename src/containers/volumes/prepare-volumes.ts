import {existsSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import type {ContainerOptions, MountRequest, VolumeMount} from '../../bundle/container-options.ts';
import {normalizeTarget} from '../../bundle/mount-request.ts';
import type {CallOptions} from '../../events.ts';
import type {StoredImage} from '../../images/stored-image.ts';
import type {ContainerContext} from '../context.ts';
import {ownerIdsOf} from '../userns/take-userns.ts';
import {takeMountsFrom} from './borrowed-mounts.ts';
import {beginStore, ensureVolume, makeData, randomVolumeName} from './create-volume.ts';
import {addImageVolumes} from './image-volumes.ts';
import {asksForVolumes, bindOf, withDevice} from './mounted-volumes.ts';
import {lockVolumes, placesOfVolume, requireVolumeName, useVolume, type VolumePlaces, volumePlaces} from './places.ts';

export interface VolumesRequest {
  readonly container: ContainerOptions;
  readonly image: StoredImage;
}

/** Volumes that are there and filled, and stay until this is disposed of. */
export interface PreparedVolumes extends Disposable {
  /** With names for all volumes of the store, and binds in the place of others. */
  readonly container: ContainerOptions;
  /** Disposes of it, and removes the volumes that were made for a container that did not name them. */
  discard(): Promise<void>;
}

/**
 * Makes the volumes that a kept container asks for and lacks, and those that its image declares. Those that are empty get
 * what the image has at their targets.
 *
 * @throws {WinchError} `VOLUME_NAME_INVALID` | `VOLUME_INVALID` | `CONTAINER_UNKNOWN` | `MOUNT_INVALID` | of the store
 */
export async function prepareKeptVolumes(
  context: ContainerContext,
  {container, image}: VolumesRequest,
  options: CallOptions,
): Promise<PreparedVolumes> {
  const isAsked = asksForVolumes(container) || image.config.config.Volumes !== undefined;
  if (!isAsked) return {container, discard: async () => {}, [Symbol.dispose]: () => {}};
  const whole = addImageVolumes(withBorrowed(context, container), image.config);
  return await prepare(context, {container: whole, image, ownDirectory: null}, options);
}

/**
 * As `prepareKeptVolumes`, for a container that goes with all that it has written: what has no name is in a directory of
 * its own, and what the image declares needs no volume.
 */
export const prepareVolumesOfRun = (
  context: ContainerContext,
  {ownDirectory, container, image}: VolumesRequest & {readonly ownDirectory: string},
  options: CallOptions,
): Promise<PreparedVolumes> =>
  prepare(context, {container: withBorrowed(context, container), image, ownDirectory}, options);

function withBorrowed(context: ContainerContext, {volumesFrom = [], ...container}: ContainerOptions): ContainerOptions {
  const own = container.mounts ?? [];
  return {...container, mounts: [...own, ...takeMountsFrom(context, volumesFrom, own)]};
}

interface Preparation extends VolumesRequest {
  /** Where volumes without a name go; null: they are the store's as well. */
  readonly ownDirectory: string | null;
}

async function prepare(
  context: ContainerContext,
  request: Preparation,
  options: CallOptions,
): Promise<PreparedVolumes> {
  const {container} = request;
  await beginStore(context);
  using _lock = await lockVolumes(context, options.signal);
  using uses = new DisposableStack();
  const made: string[] = [];
  const mounts: MountRequest[] = [];
  for (const mount of container.mounts ?? []) {
    if (mount.type !== 'volume') mounts.push(mount);
    else mounts.push(await prepareVolume(context, {...request, mount, uses, made, index: mounts.length}, options));
  }
  const held = uses.move();
  return {
    container: {...container, mounts},
    discard: async () => {
      held.dispose();
      const {removeAnonymous} = await import('./remove-volume.ts');
      await removeAnonymous(context, made);
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

interface VolumePreparation extends Preparation {
  readonly mount: VolumeMount;
  readonly index: number;
  readonly uses: DisposableStack;
  /** Names of volumes that the caller did not name. */
  readonly made: string[];
}

async function prepareVolume(
  context: ContainerContext,
  request: VolumePreparation,
  options: CallOptions,
): Promise<MountRequest> {
  const {mount, ownDirectory, index, uses, made} = request;
  normalizeTarget(mount.target);
  if (mount.source === undefined && ownDirectory !== null) {
    const places = volumePlaces(join(ownDirectory, String(index)));
    mkdirSync(places.directory, {recursive: true, mode: 0o700});
    makeData(places.data);
    if (!mount.mounts) await fill(context, {...request, places}, options);
    return withDevice(bindOf(mount, places), mount);
  }
  const name = mount.source ?? randomVolumeName();
  requireVolumeName(name);
  if (mount.source === undefined) made.push(name);
  const {labels = {}, mounts} = mount;
  const isAnonymous = mount.source === undefined;
  const volume = await ensureVolume(context, {name, labels, isAnonymous, ...(mounts && {mounts})});
  uses.use(useVolume(context, name));
  // What is mounted in its place hides what would be written there.
  if (!volume.mounts) await fill(context, {...request, places: placesOfVolume(context, name)}, options);
  return {...mount, source: name};
}

async function fill(
  {store}: ContainerContext,
  {mount, image, container, places}: VolumePreparation & {readonly places: VolumePlaces},
  options: CallOptions,
): Promise<void> {
  const isEmpty = existsSync(places.filling) || readdirSync(places.data).length === 0;
  if (!isEmpty || mount.nocopy || mount.subpath !== undefined) return;
  // Writing what an image has costs more to load than most runs take.
  const {fillVolume} = await import('./fill-volume.ts');
  const filling = {places, layers: image.layers, path: mount.target, ownerIds: await ownerIdsOf(container)};
  await fillVolume({...filling, durability: store.durability}, options);
}
