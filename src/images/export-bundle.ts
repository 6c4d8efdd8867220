import {closeSync, constants, openSync} from 'node:fs';
import {mkdir, readdir, rename} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {writeBundleConfig} from '../bundle/create-bundle.ts';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {removeTree} from '../host/remove-tree.ts';
import {storageError} from '../host/storage-error.ts';
import {loadSyscalls} from '../host/syscalls.ts';
import {EMPTY_ROOT, type FileNode} from '../layers/file-tree.ts';
import {stackLayer} from '../layers/read-layer-index.ts';
import {type SkippedFiles, writeRootfs} from '../layers/write-rootfs.ts';
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
  /** How many files could not be written as the image has them: this user may not, or the file system cannot. */
  readonly skipped: SkippedFiles;
}

export interface BundleTarget {
  readonly reference: string;
  readonly directory: string;
}

const DEFAULT_HOSTNAME = 'winch';
const ROOTFS = 'rootfs';

/**
 * Writes an OCI runtime bundle: `config.json`, and `rootfs/` exactly as the image has it, as far as this user may write
 * that: what is missing is counted, and told with a warning.
 *
 * The directory (mode 0700: it may hold setuid programs) appears whole or not at all; it must not exist, or be empty.
 *
 * @throws {WinchError} `BUNDLE_EXISTS` | as `ensureImage`, `writeRootfs` and `createImageRuntimeConfig`
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
    await removeTree(staging);
    await mkdir(staging, {recursive: true, mode: 0o700});
    options.onEvent?.({type: 'bundle:copying', directory});
    const skipped = await writeFiles(image, {staging, directory}, options);
    writeConfig(staging, image, container);
    await rename(staging, directory);
    warnOfSkipped(skipped, directory, options);
    return {directory, imageId: image.imageId, skipped};
  } catch (error) {
    await removeTree(staging);
    throw storageError(error, directory);
  }
}

async function writeFiles(
  image: StoredImage,
  {staging, directory}: {readonly staging: string; readonly directory: string},
  {signal, onEvent}: CallOptions,
): Promise<SkippedFiles> {
  let root: FileNode | null = null;
  for (const layer of image.layers) root = await stackLayer(root, layer, {signal});
  return writeRootfs(
    root ?? EMPTY_ROOT,
    {directory: staging, name: ROOTFS},
    {signal, onProgress: (progress) => onEvent?.({type: 'bundle:written', directory, ...progress})},
  );
}

function warnOfSkipped({owners, devices, xattrs}: SkippedFiles, directory: string, {onEvent}: CallOptions): void {
  const parts = [
    owners > 0 ? `${owners} belong to you instead of their owners` : null,
    devices > 0 ? `${devices} devices are missing` : null,
    xattrs > 0 ? `${xattrs} lack extended attributes` : null,
  ].filter((part) => part !== null);
  if (parts.length === 0) return;
  const message = `not all files of ${directory} are as in the image: ${parts.join(', ')}`;
  onEvent?.({type: 'warning:raised', code: 'BUNDLE_INCOMPLETE', message});
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
