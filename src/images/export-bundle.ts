import {closeSync, constants, openSync} from 'node:fs';
import {chown, mkdir, readdir, rename} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {writeBundleConfig} from '../bundle/create-bundle.ts';
import {requireIdMappings, withIdMappings} from '../bundle/id-mappings.ts';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {removeTree} from '../host/remove-tree.ts';
import {storageError} from '../host/storage-error.ts';
import {loadSyscalls} from '../host/syscalls.ts';
import {mapOwners} from '../layers/map-owners.ts';
import {stackLayers} from '../layers/read-layer-index.ts';
import {type RootfsProgress, type SkippedFiles, writeRootfs} from '../layers/write-rootfs.ts';
import {findHostId, type IdMappings} from '../oci/id-mappings.ts';
import type {ImageContext} from './context.ts';
import {describeSkipped} from './describe-skipped.ts';
import {createImageRuntimeConfig} from './image-runtime-config.ts';
import type {PullPolicy} from './pull.ts';
import {ensureImage, type StoredImage} from './stored-image.ts';

export interface BundleOptions extends CallOptions {
  readonly platform?: string | undefined;
  /** Absent: `missing`. */
  readonly policy?: PullPolicy | undefined;
  readonly container?: ContainerOptions | undefined;
  /**
   * Owners of files are those of the host that stand for the image's, and config.json has a user namespace. A user who
   * may not give files away can map nothing but root, to themselves.
   */
  readonly idMappings?: IdMappings | undefined;
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
/** In a bundle's directory. */
export const ROOTFS = 'rootfs';

/**
 * Writes an OCI runtime bundle: `config.json`, and `rootfs/` exactly as the image has it, as far as this user may write
 * that: what is missing is counted, and told with a warning.
 *
 * The directory (mode 0700: it may hold setuid programs) appears whole or not at all; it must not exist, or be empty.
 *
 * @throws {WinchError} `BUNDLE_EXISTS` | `ID_MAPPING_INVALID` | `ID_MAPPING_DENIED` | `OWNER_UNMAPPED` | as `ensureImage`,
 * `writeRootfs` and `createImageRuntimeConfig`
 * @see runtime-spec v1.0.2 bundle.md, image-spec v1.1.1 conversion.md
 */
export async function exportBundle(
  context: ImageContext,
  {reference, directory: given}: BundleTarget,
  options: BundleOptions,
): Promise<BundleReport> {
  const directory = resolve(given);
  const {platform, policy, idMappings = null} = options;
  const givesAway = idMappings !== null && mayGive(idMappings);
  await requireEmpty(directory);
  using lease = await context.store.readerLease(options.signal);
  const image = await ensureImage({...context, lease}, {image: reference, platform, policy}, options);
  const staging = join(dirname(directory), `.${basename(directory)}.winch-partial`);
  try {
    await removeTree(staging);
    await mkdir(staging, {recursive: true, mode: 0o700});
    options.onEvent?.({type: 'bundle:copying', directory});
    const skipped = await writeFiles(image, {staging, directory, ownerIds: givesAway ? idMappings : null}, options);
    writeConfig(staging, image, options);
    if (idMappings) await giveToRoot(staging, idMappings);
    await rename(staging, directory);
    warnOfSkipped(skipped, directory, options);
    return {directory, imageId: image.imageId, skipped};
  } catch (error) {
    await removeTree(staging);
    throw storageError(error, directory);
  }
}

interface WrittenBundle {
  readonly staging: string;
  readonly directory: string;
  /** Null: files keep the owners that they have in the image, as far as possible. */
  readonly ownerIds: IdMappings | null;
}

async function writeFiles(
  image: StoredImage,
  {staging, directory, ownerIds}: WrittenBundle,
  {signal, onEvent}: BundleOptions,
): Promise<SkippedFiles> {
  const root = await stackLayers(image.layers, {signal});
  const ownerOf = ownerIds ? mapOwners(root, ownerIds) : undefined;
  const onProgress = (progress: RootfsProgress) => onEvent?.({type: 'bundle:written', directory, ...progress});
  return writeRootfs(root, {directory: staging, name: ROOTFS}, {signal, ownerOf, onProgress});
}

function warnOfSkipped(skipped: SkippedFiles, directory: string, {onEvent}: CallOptions): void {
  const difference = describeSkipped(skipped);
  if (difference === null) return;
  const message = `not all files of ${directory} are as in the image: ${difference}`;
  onEvent?.({type: 'warning:raised', code: 'BUNDLE_INCOMPLETE', message});
}

/** Writes `config.json` for the root file system that is in the directory. */
export function writeConfig(
  directory: string,
  image: StoredImage,
  {container = {}, idMappings}: Pick<BundleOptions, 'container' | 'idMappings'>,
): void {
  requireNoParent(container);
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
      network: {namespace: requireOwnNetwork(container), files: null},
      cgroupsPath: null,
    });
    writeBundleConfig(directory, idMappings ? withIdMappings(spec, idMappings) : spec);
  } finally {
    closeSync(rootFd);
  }
}

/** @throws {WinchError} `CGROUP_PARENT_UNSUPPORTED` */
function requireNoParent({cgroupParent = ''}: ContainerOptions): void {
  if (cgroupParent === '') return;
  throw new WinchError('CGROUP_PARENT_UNSUPPORTED', 'a bundle has no cgroup yet: who runs it chooses one', {
    kind: 'unsupported',
    hint: 'leave the parent out',
  });
}

/** @throws {WinchError} `NETWORK_UNSUPPORTED` */
function requireOwnNetwork({network = 'none'}: ContainerOptions): 'new' | 'host' {
  if (network === 'host') return 'host';
  if (network === 'none') return 'new';
  throw new WinchError('NETWORK_UNSUPPORTED', 'a bundle cannot join networks: who runs it connects it', {
    kind: 'unsupported',
    hint: "choose no network, or the machine's",
  });
}

/**
 * Whether this process can write files of the mapped owners. Nobody else can; that root stands for themselves is true
 * of what they write anyway.
 *
 * @throws {WinchError} `ID_MAPPING_DENIED` | `ID_MAPPING_INVALID`
 */
function mayGive({uids, gids}: IdMappings): boolean {
  requireIdMappings({uids, gids});
  if (process.geteuid?.() === 0) return true;
  const isOwn = (ranges: IdMappings['uids'], own: number | undefined) =>
    ranges.length === 1 && ranges.every(({size}) => size === 1) && findHostId(ranges, 0) === own;
  if (isOwn(uids, process.geteuid?.()) && isOwn(gids, process.getegid?.())) return false;
  throw new WinchError('ID_MAPPING_DENIED', 'this user may not give files to the mapped owners', {
    kind: 'unsupported',
    hint: 'map 0 alone, to your own ids, or write the bundle as root',
  });
}

/** Root of the namespace has to get through the directory. */
async function giveToRoot(directory: string, {uids, gids}: IdMappings): Promise<void> {
  const [uid, gid] = [findHostId(uids, 0), findHostId(gids, 0)];
  if (uid !== null && gid !== null) await chown(directory, uid, gid);
}

/** @throws {WinchError} `BUNDLE_EXISTS` */
export async function requireEmpty(directory: string): Promise<void> {
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
