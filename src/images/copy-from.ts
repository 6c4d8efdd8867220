import {mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {isSystemError, isWinchError, WinchError} from '../errors.ts';
import {moveEntries} from '../host/move-entries.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import type {FileNode} from '../layers/file-tree.ts';
import {writeRootfs} from '../layers/write-rootfs.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {ImageContext} from './context.ts';
import {type CopySource, findSource, type SourceOptions} from './copy-source.ts';
import {type CopyTarget, findTarget} from './copy-target.ts';
import {type CopyableTree, takeCopyable} from './copyable-tree.ts';
import {textOf} from './diff-files.ts';
import {type ImagePath, openImageFiles} from './open-files.ts';

export interface CopyFromOptions extends SourceOptions {
  /**
   * Keep owners, set-id bits, devices and extended attributes of the image. Takes root; without it this warns and does
   * nothing.
   */
  readonly keepsOwners?: boolean | undefined;
}

export interface FileCopy extends ImagePath {
  /** An absolute path of this machine; its symlinks are followed. */
  readonly destination: string;
}

export interface CopiedFiles extends CopiedTree {
  readonly imageId: string;
}

export interface CopiedTree {
  /** What the source became, or the directory that its content is in now. */
  readonly path: string;
  /** Names of files that are no directories. */
  readonly files: number;
  /** Bytes of their content. */
  readonly bytes: number;
  /** Devices that were left out. */
  readonly skippedDevices: number;
}

/** Copies that take longer say so. */
const SILENCE_MS = 1000;

/**
 * Copies a file or directory of a stored image to this machine, by the rules of `docker cp`: into a directory that
 * exists, over a file that exists, else under the new name; a path that ends in `/.` means what is in the directory.
 *
 * Directories that exist are merged and keep their own attributes; files and symlinks that exist are replaced, each by a
 * rename. Symlinks of the image are copied as they are and never followed on this machine. Files belong to the caller
 * and have the modes of the image, whatever the umask, without set-id bits; see `keepsOwners`.
 *
 * Everything is written beside its place first, so nothing is changed when that fails or is aborted.
 *
 * @throws {WinchError} as `readImageFile` | `DESTINATION_INVALID` | `COPY_FAILED` | `STORE_FULL` …
 */
export async function copyFromImage(
  context: ImageContext,
  {destination, ...source}: FileCopy,
  options: CopyFromOptions = {},
): Promise<CopiedFiles> {
  const {imageId, root, close} = await openImageFiles(context, source.reference, options);
  const timer = setTimeout(() => options.onEvent?.({type: 'files:copying', destination}), SILENCE_MS);
  try {
    return {imageId, ...(await copyTree(findSource(root, source, options), destination, options))};
  } finally {
    clearTimeout(timer);
    close();
  }
}

/** As `copyFromImage`, of what was found already. */
export async function copyTree(
  {node, name}: CopySource,
  destination: string,
  options: CopyFromOptions,
): Promise<CopiedTree> {
  const target = await findTarget(destination, {node, name});
  const tree = takeCopyable(node, rightsOf(options));
  warn(tree, options);
  const content = contentOf(tree.node, target);
  if (content) await writeInto(target, content, options);
  const path = target.name === null ? target.directory : join(target.directory, textOf(target.name));
  return {path, files: tree.files, bytes: tree.bytes, skippedDevices: tree.devices};
}

const isRoot = (): boolean => process.geteuid?.() === 0;

const rightsOf = ({keepsOwners = false}: CopyFromOptions) => ({
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  keepsAll: keepsOwners && isRoot(),
});

function warn({devices}: CopyableTree, {keepsOwners = false, onEvent}: CopyFromOptions): void {
  if (keepsOwners && !isRoot()) {
    const message = 'owners, set-id bits and attributes are not kept: only root may set them';
    onEvent?.({type: 'warning:raised', code: 'OWNERS_NOT_KEPT', message});
  }
  if (devices === 0) return;
  const message = `${devices} ${devices === 1 ? 'device was' : 'devices were'} left out: they are made on demand, for root alone`;
  onEvent?.({type: 'warning:raised', code: 'DEVICES_LEFT_OUT', message});
}

/** What goes into the directory of the target. */
function contentOf(node: FileNode | null, {name}: CopyTarget): FileNode['entries'] {
  if (node === null) return null;
  return name === null ? node.entries : new Map([[name, node]]);
}

async function writeInto(
  {directory}: CopyTarget,
  entries: FileNode['entries'],
  {signal}: CopyFromOptions,
): Promise<void> {
  const staging = join(directory, `.winch-copy-${randomHex(6)}`);
  const {uid, gid} = rightsOf({});
  try {
    await mkdir(staging, {mode: 0o700});
    await writeRootfs({...STAGING, uid, gid, entries}, {directory: staging, name: CONTENT}, {signal});
    signal?.throwIfAborted();
    moveEntries(join(staging, CONTENT), directory);
  } catch (error) {
    signal?.throwIfAborted();
    throw isWinchError(error) ? error : failure(storageError(error, directory), directory);
  } finally {
    await rm(staging, {recursive: true, force: true});
  }
}

const CONTENT = 'content';
const STAGING: FileNode = Object.freeze({
  ...{kind: 'directory', permissions: 0o700, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, inode: -1, size: 0},
  ...{contentOffset: 0, linkTarget: null, device: 0, xattrs: null, layerPath: '', entries: null},
} as const);

const failure = (error: unknown, directory: string): unknown =>
  isSystemError(error)
    ? new WinchError('COPY_FAILED', `files cannot be written to ${excerpt(directory)}: ${error.code}`, {
        kind: 'storage',
        hint: 'its file system may not have what the files need',
        cause: error,
      })
    : error;
