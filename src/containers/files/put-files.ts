import {closeSync, constants, mkdirSync, openSync} from 'node:fs';
import {basename, dirname} from 'node:path';
import {hasErrno, isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {loadAttributeCalls} from '../../host/attribute-calls.ts';
import {type MoveOptions, moveEntries} from '../../host/move-entries.ts';
import {randomHex} from '../../host/random-hex.ts';
import {removeEntry} from '../../host/remove-entry.ts';
import {storageError} from '../../host/storage-error.ts';
import type {Syscalls} from '../../host/syscalls.ts';
import type {ByteString} from '../../layers/byte-string.ts';
import {EMPTY_ROOT, type FileNode} from '../../layers/file-tree.ts';
import {writeTreeTar} from '../../layers/tree-tar.ts';
import {type WriteRootfsOptions, writeRootfs} from '../../layers/write-rootfs.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ContainerContext} from '../context.ts';
import {openSourceOfHost} from './host-source.ts';
import {type ContainerPath, locateFile, meansContent} from './located-file.ts';
import {spoolTree} from './spooled-tree.ts';

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const CONTENT = 'content';

/** Files that are to be put somewhere, read whole. */
export interface SourceTree extends AsyncDisposable {
  readonly node: FileNode;
  /** Null: what is in it is copied. */
  readonly name: ByteString | null;
}

/** @throws {WinchError} `SOURCE_MISSING` | `SOURCE_DENIED` | as `spoolTree` */
export async function spoolSource(
  context: ContainerContext,
  source: string | AsyncIterable<Uint8Array>,
  options: CallOptions & {readonly followsLink?: boolean | undefined},
): Promise<SourceTree> {
  if (typeof source !== 'string') {
    const {root, [Symbol.asyncDispose]: dispose} = await spoolTree(context, source, options);
    return {node: root, name: null, [Symbol.asyncDispose]: dispose};
  }
  using place = openSourceOfHost(source, options);
  const tar = writeTreeTar(loadAttributeCalls(), place, {name: CONTENT, signal: options.signal});
  const {root, [Symbol.asyncDispose]: dispose} = await spoolTree(context, tar, options);
  const name = meansContent(source) ? null : Buffer.from(basename(source)).toString('latin1');
  return {node: root.entries?.get(CONTENT) ?? EMPTY_ROOT, name, [Symbol.asyncDispose]: dispose};
}

/** A root file system, held open. */
export interface OpenedRoot {
  readonly rootFd: number;
  readonly syscalls: Syscalls;
}

/** An open directory, and what goes into it. */
export interface PutTarget extends Disposable {
  readonly directoryFd: number;
  /** In the container, without symlinks. */
  readonly path: string;
  /** As messages name it. */
  readonly where: string;
  readonly entries: ReadonlyMap<ByteString, FileNode>;
}

/**
 * Where `docker cp` would put files below the root of a container; links are followed within it.
 *
 * @throws {WinchError} `DESTINATION_INVALID` | `PATH_UNKNOWN`: a directory on the way is missing | `PATH_LOOP`
 */
export function findPutTarget(
  {rootFd, syscalls}: OpenedRoot,
  destination: ContainerPath,
  {node, name}: SourceTree,
): PutTarget {
  using file = locateFile(syscalls, {...destination, rootFd}, {followsLast: true});
  const {stats} = file;
  const where = `${excerpt(destination.path)} in container ${destination.container}`;
  const isDirectory = node.kind === 'directory';
  const into = (path: string, entries: PutTarget['entries']): PutTarget => {
    const directoryFd = attempt(where, () => syscalls.openInRoot(rootFd, path, DIRECTORY_FLAGS));
    return {directoryFd, path, where, entries, [Symbol.dispose]: () => closeSync(directoryFd)};
  };
  if (stats?.isDirectory())
    return into(file.path, name === null ? (node.entries ?? new Map()) : new Map([[name, node]]));
  if (stats === null && name === null && !isDirectory) throw invalid(where, 'is no directory');
  if (stats === null && /\/\.?$/.test(destination.path) && !isDirectory) throw invalid(where, 'is no directory');
  if (stats !== null && isDirectory)
    throw invalid(where, 'exists and is no directory, and a directory cannot replace it');
  if (stats !== null && !stats.isFile()) throw invalid(where, 'exists and is no regular file');
  return into(dirname(file.path), new Map([[basename(Buffer.from(file.path).toString('latin1')), node]]));
}

function attempt<T>(where: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw failure(error, where);
  }
}

/**
 * Puts files into an open directory: directories that exist are merged, files are replaced, each by a rename. Everything
 * is written beside its place first.
 *
 * @throws {WinchError} `DESTINATION_INVALID` | `DESTINATION_READ_ONLY` | `COPY_FAILED` | `STORE_FULL` …
 */
export async function putFiles(
  {directoryFd, where, entries}: Pick<PutTarget, 'directoryFd' | 'where' | 'entries'>,
  {signal, ownerOf, ...moving}: Pick<WriteRootfsOptions, 'signal' | 'ownerOf'> & MoveOptions,
): Promise<void> {
  const name = `.winch-copy-${randomHex(6)}`;
  const staging = `/proc/self/fd/${directoryFd}/${name}`;
  attempt(where, () => mkdirSync(staging, {mode: 0o700}));
  try {
    const stagingFd = openSync(staging, DIRECTORY_FLAGS);
    try {
      const directory = `/proc/self/fd/${stagingFd}/.`;
      await writeRootfs({...EMPTY_ROOT, entries}, {directory, name: CONTENT}, {signal, ownerOf});
      signal?.throwIfAborted();
      moveEntries(`${directory}/${CONTENT}`, `/proc/self/fd/${directoryFd}/.`, moving);
    } finally {
      closeSync(stagingFd);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw isWinchError(error) ? error : failure(error, where);
  } finally {
    removeEntry(directoryFd, Buffer.from(name));
  }
}

function failure(error: unknown, where: string): unknown {
  if (hasErrno(error, 'EROFS')) return readOnly(where, error);
  const known = storageError(error, where);
  if (known !== error || !hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EEXIST', 'ENOTEMPTY', 'EBUSY')) return known;
  return new WinchError('COPY_FAILED', `files cannot be written to ${where}: ${error.code}`, {
    kind: 'storage',
    hint: 'the container may have changed it meanwhile: try again',
    cause: error,
  });
}

const readOnly = (where: string, cause: unknown): WinchError =>
  new WinchError('DESTINATION_READ_ONLY', `${where} may only be read`, {
    kind: 'invalid',
    hint: 'choose a place that the container may write to',
    cause,
  });

const invalid = (where: string, problem: string): WinchError =>
  new WinchError('DESTINATION_INVALID', `${where} ${problem}`, {
    kind: 'invalid',
    hint: 'name a directory that exists, or a new name in one',
  });
