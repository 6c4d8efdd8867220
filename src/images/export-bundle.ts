import {closeSync, constants, mkdirSync, openSync} from 'node:fs';
import {mkdir, readdir, rename, rm} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {writeBundleConfig} from '../bundle/create-bundle.ts';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {storageError} from '../host/storage-error.ts';
import {loadSyscalls} from '../host/syscalls.ts';
import {erofsSnapshotter} from '../snapshots/erofs.ts';
import {usePrivateMounts} from '../snapshots/private-mounts.ts';
import type {ImageContext} from './context.ts';
import {createImageRuntimeConfig} from './image-runtime-config.ts';
import type {PullPolicy} from './pull.ts';
import {ensureImage, type StoredImage} from './stored-image.ts';

export interface BundleOptions extends CallOptions {
  readonly platform?: string | undefined;
  /** Absent: `missing`. */
  readonly policy?: PullPolicy | undefined;
  readonly container?: ContainerOptions | undefined;
}

export interface BundleReport {
  /** Absolute path. */
  readonly directory: string;
  readonly imageId: string;
}

export interface BundleTarget {
  readonly reference: string;
  readonly directory: string;
}

const DEFAULT_HOSTNAME = 'winch';
const ROOTFS = 'rootfs';

/**
 * Writes an OCI runtime bundle: `config.json`, and `rootfs/` exactly as the image has it.
 *
 * The directory (mode 0700: it may hold setuid programs) appears whole or not at all; it must not exist, or be empty.
 *
 * @throws {WinchError} `BUNDLE_EXISTS` | `COPY_FAILED` | as `ensureImage` and `createImageRuntimeConfig`
 * @see runtime-spec v1.0.2 bundle.md, image-spec v1.1.1 conversion.md
 */
export async function exportBundle(
  context: ImageContext,
  {reference, directory: given}: BundleTarget,
  options: BundleOptions,
): Promise<BundleReport> {
  const directory = resolve(given);
  await requireEmpty(directory);
  const {platform, policy, container = {}} = options;
  using lease = await context.store.readerLease(options.signal);
  const image = await ensureImage({...context, lease}, {image: reference, platform, policy}, options);
  const staging = join(dirname(directory), `.${basename(directory)}.winch-partial`);
  try {
    await rm(staging, {recursive: true, force: true});
    await mkdir(staging, {recursive: true, mode: 0o700});
    options.onEvent?.({type: 'bundle:copying', directory});
    await copyImage(context, {image, target: join(staging, ROOTFS)}, options);
    writeConfig(staging, image, container);
    await rename(staging, directory);
  } catch (error) {
    await rm(staging, {recursive: true, force: true});
    throw storageError(error, directory);
  }
  return {directory, imageId: image.imageId};
}

/** The mount points lie on a tmpfs over the runtime directory that only the copying thread sees. */
async function copyImage(
  {runtimeDirectory}: ImageContext,
  {image, target}: {readonly image: StoredImage; readonly target: string},
  options: CallOptions,
): Promise<void> {
  mkdirSync(runtimeDirectory, {recursive: true, mode: 0o700});
  const {path, mounts} = erofsSnapshotter.prepare({
    layers: image.layers,
    directory: runtimeDirectory,
    writable: {type: 'none'},
  });
  const scratch = {type: 'tmpfs', target: runtimeDirectory, options: 'mode=700'} as const;
  await usePrivateMounts({mounts: [scratch, ...mounts], copy: {source: path, target}}, {signal: options.signal});
}

function writeConfig(directory: string, image: StoredImage, container: ContainerOptions): void {
  const rootFd = openSync(join(directory, ROOTFS), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const spec = createImageRuntimeConfig({
      image: image.config,
      container,
      rootFd,
      syscalls: loadSyscalls(),
      rootfsPath: ROOTFS,
      hostname: container.hostname ?? DEFAULT_HOSTNAME,
      // A bundle outlives this machine's address book: the image's own files show.
      network: {namespace: container.network === 'host' ? 'host' : 'new', files: null},
      cgroupsPath: null,
    });
    writeBundleConfig(directory, spec);
  } finally {
    closeSync(rootFd);
  }
}

async function requireEmpty(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    if (!hasErrno(error, 'ENOTDIR')) throw storageError(error, directory);
  }
  throw new WinchError('BUNDLE_EXISTS', `${directory} is not an empty directory`, {
    kind: 'invalid',
    hint: 'name a new or empty directory',
  });
}
