import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import type {ContainerOptions, ImageMount, MountRequest} from '../bundle/container-options.ts';
import {normalizeTarget} from '../bundle/mount-request.ts';
import type {CallOptions} from '../events.ts';
import {type MountStep, performMounts} from '../host/mounts.ts';
import type {Syscalls} from '../host/syscalls.ts';
import type {PullPolicy} from '../images/pull.ts';
import {ensureImage} from '../images/stored-image.ts';
import type {RootfsRequest} from '../snapshots/snapshotter.ts';
import type {ContainerContext} from './context.ts';
import type {ContainerDirectories} from './directories.ts';
import {type LayersOfRun, type PreparedLayers, prepareLayers} from './prepare-layers.ts';
import type {MappedContainer} from './userns/mapped-container.ts';
import {ownerIdsOf} from './userns/take-userns.ts';

const IMAGES = 'images';

/** Whether a container asks for any. */
export const asksForImages = ({mounts = []}: ContainerOptions): boolean => mounts.some(({type}) => type === 'image');

/** Ids of the images that are mounted in a container beside its own, as they were when it was made. */
export const mountedImagesOf = ({mounts = []}: ContainerOptions): readonly string[] =>
  mounts.flatMap((mount) => (mount.type === 'image' && mount.imageId !== undefined ? [mount.imageId] : []));

export interface ImagesRequest {
  readonly container: ContainerOptions;
  readonly policy?: PullPolicy | undefined;
}

/**
 * The options with the ids of the images that are to be mounted, pulled by the policy of the container's own. The
 * context's lease keeps them.
 *
 * @throws {WinchError} `MOUNT_INVALID` | as `ensureImage`
 */
export async function findMountedImages(
  context: ContainerContext,
  {container, policy}: ImagesRequest,
  options: CallOptions,
): Promise<ContainerOptions> {
  if (!asksForImages(container)) return container;
  const mounts: MountRequest[] = [];
  for (const mount of container.mounts ?? []) {
    if (mount.type !== 'image') mounts.push(mount);
    else mounts.push({...mount, imageId: (await findImage(context, {mount, policy}, options)).imageId});
  }
  return {...container, mounts};
}

function findImage(
  context: ContainerContext,
  {mount, policy}: {readonly mount: ImageMount; readonly policy: PullPolicy | undefined},
  options: CallOptions,
) {
  normalizeTarget(mount.target);
  const {source, imageId} = mount;
  return ensureImage(
    context,
    imageId === undefined ? {image: source, policy} : {image: imageId, policy: 'never'},
    options,
  );
}

export interface PreparedImages {
  /**
   * Mounts them in the namespace of the calling thread, which must be private.
   *
   * @returns the options with a bind in the place of each, and what was done.
   */
  mount(
    syscalls: Syscalls,
    mapped: MappedContainer | null,
  ): {readonly container: ContainerOptions; readonly steps: readonly MountStep[]};
}

interface MountedImagesRequest
  extends Pick<ImagesRequest, 'container'>,
    Pick<LayersOfRun, 'mayCopy' | 'keepsCopy'>,
    Pick<RootfsRequest, 'servers'> {
  readonly directories: ContainerDirectories;
}

/**
 * Prepares the layers of the images whose ids the options have, as those of the container's own image.
 *
 * @throws {WinchError} as `ensureImage` and `prepareLayers`
 */
export async function prepareMountedImages(
  context: ContainerContext,
  {container, directories, servers, ...copying}: MountedImagesRequest,
  options: CallOptions,
): Promise<PreparedImages> {
  const {mounts = []} = container;
  const layersOf = new Map<MountRequest, PlacedLayers>();
  const ownerIds = await ownerIdsOf(container);
  for (const [index, mount] of mounts.entries()) {
    if (mount.type !== 'image') continue;
    const own = directoriesOf(directories, index);
    const {layers} = await findImage(context, {mount, policy: 'never'}, options);
    const prepared = await prepareLayers(context, {layers, directories: own, ...copying, ownerIds}, options);
    layersOf.set(mount, {prepared, directory: own.volatile, servers});
  }
  return {
    mount: (syscalls, mapped) => {
      const steps: MountStep[] = [];
      const mounted = mounts.map((mount) => {
        const placed = layersOf.get(mount);
        if (mount.type !== 'image' || !placed) return mount;
        const tree = mountTree(syscalls, mount, placed, mapped);
        steps.push(...tree.steps);
        return tree.bind;
      });
      return {container: {...container, mounts: mounted}, steps};
    },
  };
}

export interface ImagesOfKept extends ContainerDirectories {
  readonly container: ContainerOptions;
  /** As of `RootfsRequest`. */
  readonly servers: string;
}

/** As `prepareMountedImages`, for a kept container, with which its copies stay; null: it asks for none. */
export async function prepareImagesOfKept(
  context: ContainerContext,
  {container, servers, ...directories}: ImagesOfKept,
  options: CallOptions,
): Promise<PreparedImages | null> {
  if (!asksForImages(container)) return null;
  return await prepareMountedImages(context, {container, directories, keepsCopy: true, servers}, options);
}

interface PlacedLayers {
  readonly prepared: PreparedLayers;
  readonly directory: string;
  readonly servers: string | undefined;
}

function directoriesOf({volatile, writable}: ContainerDirectories, index: number): ContainerDirectories {
  const below = (path: string) => join(path, IMAGES, String(index));
  const own = {volatile: below(volatile), writable: writable === null ? null : below(writable)};
  for (const path of [own.volatile, own.writable]) if (path !== null) mkdirSync(path, {recursive: true, mode: 0o700});
  return own;
}

function mountTree(
  syscalls: Syscalls,
  {target, subpath, readOnly = true}: ImageMount,
  {prepared: {snapshotter, layers}, directory, servers}: PlacedLayers,
  mapped: MappedContainer | null,
): {readonly bind: MountRequest; readonly steps: readonly MountStep[]} {
  const rootfs = snapshotter.prepare({layers, directory, writable: {type: readOnly ? 'none' : 'memory'}, servers});
  performMounts(syscalls, rootfs.mounts);
  mapped?.mountAgain(syscalls, rootfs);
  const bind = {type: 'bind', source: rootfs.path, target, readOnly, createSource: false} as const;
  return {bind: {...bind, ...(subpath !== undefined && {subpath})}, steps: rootfs.mounts};
}
