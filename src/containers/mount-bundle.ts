import {closeSync, constants, openSync, rmdirSync, statSync} from 'node:fs';
import {mkdir, realpath, rename, rm} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {detachBelow} from '../host/detach-below.ts';
import {performMounts} from '../host/mounts.ts';
import {storageError} from '../host/storage-error.ts';
import {loadSyscalls, type Syscalls, UnmountFlag} from '../host/syscalls.ts';
import {isMachinesRoot} from '../host/user-namespace.ts';
import {type BundleTarget, ROOTFS, requireEmpty, writeConfig} from '../images/export-bundle.ts';
import {forgetUnmountedBundles, listMountedBundles, noteMountedBundle} from '../images/mounted-bundles.ts';
import type {PullPolicy} from '../images/pull.ts';
import {ensureImage} from '../images/stored-image.ts';
import type {Rootfs} from '../snapshots/snapshotter.ts';
import {chooseDriver} from './choose-driver.ts';
import type {ContainerContext} from './context.ts';
import {prepareLayers} from './prepare-layers.ts';

export interface MountBundleOptions extends CallOptions {
  readonly platform?: string | undefined;
  /** Absent: `missing`. */
  readonly policy?: PullPolicy | undefined;
  readonly container?: ContainerOptions | undefined;
}

export interface MountedBundleReport {
  /** Absolute path. */
  readonly directory: string;
  readonly imageId: string;
}

/** In the bundle, what is written to its root file system. */
const WRITTEN = 'written';
/** What the kernel has taken into the overlay, and needs no place any more. */
const SCAFFOLD = ['layers', 'writable'] as const;
/** The drivers whose mounts need neither this process nor a copy. */
const LASTING: readonly string[] = ['erofs', 'overlay'];

/**
 * Writes an OCI runtime bundle whose `rootfs/` is mounted from the stored layers, for everybody who sees the mounts of
 * this process. Nothing is copied; what is written there goes to `written/`. The image stays until `unmountBundle`.
 *
 * The directory (mode 0700) appears whole or not at all; it must not exist, or be empty.
 *
 * @throws {WinchError} `BUNDLE_EXISTS` | `BUNDLE_MOUNT_UNSUPPORTED` | as `ensureImage`, `prepareLayers` and `performMounts`
 * @see runtime-spec v1.0.2 bundle.md
 */
export async function mountBundle(
  context: ContainerContext,
  {reference, directory: given}: BundleTarget,
  options: MountBundleOptions = {},
): Promise<MountedBundleReport> {
  const directory = resolve(given);
  const {platform, policy} = options;
  await requireMountable(context);
  await requireEmpty(directory);
  forgetUnmountedBundles(context.store.paths);
  using lease = await context.store.readerLease(options.signal);
  const image = await ensureImage({...context, lease}, {image: reference, platform, policy}, options);
  const staging = join(dirname(directory), `.${basename(directory)}.winch-mounting`);
  try {
    await clear(staging);
    const writable = join(staging, WRITTEN);
    await mkdir(writable, {recursive: true, mode: 0o700});
    const places = {layers: image.layers, directories: {volatile: staging, writable}};
    const {snapshotter, layers} = await prepareLayers({...context, lease}, places, options);
    options.signal?.throwIfAborted();
    const target = {type: 'directory', path: writable, isLasting: true} as const;
    mountRootfs(loadSyscalls(), snapshotter.prepare({layers, directory: staging, writable: target}), staging);
    writeConfig(staging, image, options);
    const {dev: device} = statSync(join(staging, ROOTFS));
    noteMountedBundle(context.store.paths, {imageId: image.imageId, directory, device});
    await rename(staging, directory);
    return {directory, imageId: image.imageId};
  } catch (error) {
    await clear(staging);
    throw storageError(error, directory);
  }
}

/**
 * Unmounts the root file system of a bundle that `mountBundle` has made; all else in its directory stays.
 *
 * @throws {WinchError} `BUNDLE_UNKNOWN` | `BUNDLE_BUSY`: somebody uses a file in it
 */
export async function unmountBundle(context: ContainerContext, given: string): Promise<MountedBundleReport> {
  const {paths} = context.store;
  const directory = await realpath(resolve(given)).catch(() => resolve(given));
  const rootfs = join(directory, ROOTFS);
  const device = statSync(rootfs, {throwIfNoEntry: false})?.dev;
  const bundle = listMountedBundles(paths).find((one) => one.device === device);
  if (!bundle) throw unknown(directory);
  try {
    loadSyscalls().unmount(rootfs, 0);
  } catch (error) {
    if (hasErrno(error, 'EBUSY')) throw busy(rootfs, error);
    if (hasErrno(error, 'EINVAL')) throw unknown(directory);
    throw error;
  }
  forgetUnmountedBundles(paths);
  return {directory, imageId: bundle.imageId};
}

async function requireMountable(context: ContainerContext): Promise<void> {
  if (!isMachinesRoot()) {
    throw unsupported('this user can mount nothing that others see', 'write the bundle as a copy, or be root');
  }
  const {name} = await chooseDriver(context);
  if (LASTING.includes(name)) return;
  throw unsupported(`the ${name} driver mounts no bundle`, `of the drivers, ${LASTING.join(' and ')} can`);
}

/** Mounts change the working directory of the thread. */
function mountRootfs(syscalls: Syscalls, {mounts}: Rootfs, staging: string): void {
  const workingDirectory = openSync('.', constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    performMounts(syscalls, mounts);
  } finally {
    syscalls.changeDirectory(`/proc/self/fd/${workingDirectory}`);
    closeSync(workingDirectory);
  }
  for (const name of SCAFFOLD) {
    syscalls.unmount(join(staging, name), UnmountFlag.detach);
    rmdirSync(join(staging, name));
  }
}

/** What a killed process has left may be mounted, and a removal must not go through it. */
async function clear(staging: string): Promise<void> {
  detachBelow(staging);
  await rm(staging, {recursive: true, force: true});
}

const unsupported = (message: string, hint: string): WinchError =>
  new WinchError('BUNDLE_MOUNT_UNSUPPORTED', message, {kind: 'unsupported', hint});

const unknown = (directory: string): WinchError =>
  new WinchError('BUNDLE_UNKNOWN', `no bundle of this store is mounted at ${directory}`, {
    kind: 'not-found',
    hint: 'name the directory that was given when it was mounted',
  });

const busy = (rootfs: string, cause: unknown): WinchError =>
  new WinchError('BUNDLE_BUSY', `${rootfs} is in use`, {kind: 'storage', hint: 'end what works in it first', cause});
