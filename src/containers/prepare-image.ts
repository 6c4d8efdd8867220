import {closeSync, constants, openSync} from 'node:fs';
import {join} from 'node:path';
import {mountBindSources} from '../bundle/bind-sources.ts';
import type {ContainerOptions} from '../bundle/container-options.ts';
import type {CallOptions} from '../events.ts';
import {detachMounts} from '../host/mounts.ts';
import {noteImageInUse} from '../images/images-in-use.ts';
import {ensureImage, type StoredImage} from '../images/stored-image.ts';
import type {Lease} from '../store/leases.ts';
import type {ContainerContext} from './context.ts';
import {noteAsked} from './directories.ts';
import type {SpooledCopies} from './files/run-copies.ts';
import type {ImageToRun} from './image-to-run.ts';
import {joinNamespaces} from './join-namespaces.ts';
import type {LazyImageOfRun, LazyPreparation} from './lazy/prepare-lazily.ts';
import {mountRootfs} from './mount-rootfs.ts';
import {
  asksForImages,
  findMountedImages,
  mountedImagesOf,
  type PreparedImages,
  prepareMountedImages,
} from './mounted-images.ts';
import type {ConnectedNetwork} from './networks/network-files.ts';
import {takeNetworkOfRun} from './networks/take-network.ts';
import type {Preparation, PreparedContainer} from './prepare-container.ts';
import {type PreparedLayers, prepareLayers} from './prepare-layers.ts';
import type {RunRequest} from './run.ts';
import type {MappedContainer} from './userns/mapped-container.ts';
import {takeUserns} from './userns/take-userns.ts';
import {asksForVolumes, bindVolumes} from './volumes/mounted-volumes.ts';
import {chooseStopSignal, writeImageBundle} from './write-image-bundle.ts';

interface ImagePreparation extends Preparation {
  readonly request: RunRequest & ImageToRun;
}

/** Mounts an image's layers with a writable directory on top and writes the runtime configuration for them. */
export async function prepareImage(
  context: ContainerContext,
  preparation: ImagePreparation,
  options: CallOptions,
): Promise<PreparedContainer> {
  const {id, request, directories, cleanup} = preparation;
  using held = new DisposableStack();
  const {container: own, mapped} = await takeUserns(request, {defer: (close) => cleanup.add(close)});
  const lease = held.use(await context.store.readerLease(options.signal));
  const lazy = request.lazy ? await takeLazily({...context, lease}, {request, directories, cleanup}, options) : null;
  const image = lazy?.image ?? (await ensureImage({...context, lease}, request, options));
  const wanted = {layers: image.layers, directories, mayCopy: true, ownerIds: mapped?.ownerIds ?? null};
  const prepared = lazy?.prepared ?? (await prepareLayers({...context, lease}, wanted, options));
  // Mounted files stay whatever is removed, and until then the lease keeps them; directories do not.
  if (prepared.needsLease) {
    const kept = held.move();
    cleanup.add(() => kept.dispose());
  }
  const asked = await takeVolumes(context, {container: own, directories, image, cleanup}, options);
  const joined = await joinNamespaces(context, asked, {defer: (close) => cleanup.add(close)});
  const {container, images} = await takeImages({...context, lease}, {request, container: joined, directories}, options);
  const stopSignal = chooseStopSignal(image.config, container);
  const {volatile: directory, writable} = directories;
  const named = {id, name: request.name ?? null, directory, container, image: image.config, mapped};
  const network = await takeNetworkOfRun(context, {...named, cleanup}, options);
  noteAsked(directories, {
    container: request.container ?? {},
    labels: {...image.config.config.Labels, ...request.container?.labels},
  });
  // On a disk that cannot be written nobody removes images either.
  const mountedIds = mountedImagesOf(container);
  if (writable !== null) noteImageInUse(writable, {imageId: image.imageId, name: request.name ?? null, mountedIds});
  await using copies = await spoolCopies(context, {request, container}, options);
  const mounting = {...preparation, prepared, container, images, image, network, copies, lazy, mapped};
  const isChecked = await noteHealthCheck(context, {image, container, directory});
  return {
    ...{terminal: container.terminal ?? false, stopSignal, isChecked, aborted: lazy?.aborted ?? null},
    rootfsPath: await mountImage(context, mounting),
  };
}

/** Null: the image is there, or is pulled. */
async function takeLazily(
  context: ContainerContext & {readonly lease: Lease | null},
  preparation: LazyPreparation,
  options: CallOptions,
): Promise<LazyImageOfRun | null> {
  const {prepareLazily} = await import('./lazy/prepare-lazily.ts');
  return await prepareLazily(context, preparation, options);
}

interface CheckOfRun {
  readonly image: StoredImage;
  readonly container: ContainerOptions;
  /** The run's, in memory. */
  readonly directory: string;
}

/** Most images say nothing. */
async function noteHealthCheck(context: ContainerContext, {image, container, directory}: CheckOfRun): Promise<boolean> {
  const {config} = image.config;
  if (config.Healthcheck === undefined && container.health === undefined) return false;
  const {createHealthCheck} = await import('../bundle/health-check.ts');
  const check = createHealthCheck(config, container);
  if (check === null) return false;
  (await import('./health/health-place.ts')).noteRunCheck(directory, {check, startedMs: context.now()});
  return true;
}

interface ImageMounting extends ImagePreparation {
  readonly prepared: PreparedLayers;
  readonly container: ContainerOptions;
  readonly images: PreparedImages | null;
  readonly image: StoredImage;
  readonly network: ConnectedNetwork | null;
  readonly copies: SpooledCopies | null;
  readonly lazy: LazyImageOfRun | null;
  readonly mapped: MappedContainer | null;
}

/** @returns where the root file system is mounted, in the namespace that is entered here. */
async function mountImage({hostname}: ContainerContext, mounting: ImageMounting): Promise<string> {
  const {id, directories, syscalls, cleanup, enter, prepared, images, image, network, copies, lazy, mapped} = mounting;
  const {volatile: directory, writable} = directories;
  enter();
  lazy?.mount(syscalls);
  const rootfs = mountRootfs(
    {syscalls, cleanup, prepared},
    {directory, writable: writable === null ? {type: 'memory'} : {type: 'directory', path: writable}},
  );
  const {path: rootfsPath} = rootfs;
  const {container, steps} = images?.mount(syscalls, mapped) ?? {container: mounting.container, steps: []};
  cleanup.add(() => detachMounts(syscalls, steps));
  const mounted = mountBindSources(syscalls, container, {directory, namespaceFd: mapped?.namespaceFd ?? null});
  const rootFd = openSync(rootfsPath, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await copies?.put({rootFd, syscalls}, mapped?.rootOnDisk ?? {uid: 0, gid: 0});
    const bundle = {id, directory, rootFd, rootfsPath, image: image.config, syscalls, hostname};
    writeImageBundle({...bundle, container: mounted, network, mapped});
  } finally {
    closeSync(rootFd);
  }
  return mapped?.mount(syscalls, rootfs) ?? rootfsPath;
}

interface VolumesOfRun extends Pick<ImagePreparation, 'directories' | 'cleanup'> {
  readonly container: ContainerOptions;
  readonly image: StoredImage;
}

/** The caller's options with binds in the place of volumes, which stay as long as the run. */
async function takeVolumes(
  context: ContainerContext,
  {container, directories, image, cleanup}: VolumesOfRun,
  options: CallOptions,
): Promise<ContainerOptions> {
  if (!asksForVolumes(container)) return container;
  // Writing what an image has costs more to load than most runs take.
  const {prepareVolumesOfRun} = await import('./volumes/prepare-volumes.ts');
  const ownDirectory = join(directories.writable ?? directories.volatile, 'volumes');
  const prepared = await prepareVolumesOfRun(context, {container, image, ownDirectory}, options);
  cleanup.add(() => prepared[Symbol.dispose]());
  return bindVolumes(context, prepared.container);
}

interface ImagesOfRun extends Pick<ImagePreparation, 'request' | 'directories'> {
  readonly container: ContainerOptions;
}

async function takeImages(
  context: ContainerContext,
  {request: {policy}, container, directories}: ImagesOfRun,
  options: CallOptions,
): Promise<{readonly container: ContainerOptions; readonly images: PreparedImages | null}> {
  if (!asksForImages(container)) return {container, images: null};
  const found = await findMountedImages(context, {container, policy}, options);
  const images = await prepareMountedImages(context, {container: found, directories, mayCopy: true}, options);
  return {container: found, images};
}

async function spoolCopies(
  context: ContainerContext,
  {request: {copyIn = [], copyOut = []}, container}: Pick<ImagePreparation, 'request'> & {container: ContainerOptions},
  options: CallOptions,
): Promise<SpooledCopies | null> {
  if (copyIn.length === 0 && copyOut.length === 0) return null;
  const {requireOwnPath, spoolCopiesIn} = await import('./files/run-copies.ts');
  for (const {path} of copyOut) requireOwnPath(container, path);
  return await spoolCopiesIn(context, {copies: copyIn, container}, options);
}
