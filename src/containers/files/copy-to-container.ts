import {randomBytes} from 'node:crypto';
import {closeSync, constants, mkdirSync, openSync} from 'node:fs';
import {basename, dirname} from 'node:path';
import {hasErrno, isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {loadAttributeCalls} from '../../host/attribute-calls.ts';
import {moveEntries} from '../../host/move-entries.ts';
import {removeEntry} from '../../host/remove-entry.ts';
import {storageError} from '../../host/storage-error.ts';
import type {ByteString} from '../../layers/byte-string.ts';
import {EMPTY_ROOT, type FileNode} from '../../layers/file-tree.ts';
import {writeTreeTar} from '../../layers/tree-tar.ts';
import {writeRootfs} from '../../layers/write-rootfs.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ContainerContext} from '../context.ts';
import {openSourceOfHost} from './host-source.ts';
import {type ContainerPath, locateFile, meansContent} from './located-file.ts';
import {type ContainerRoot, openContainerRoot} from './open-root.ts';
import {spoolTree} from './spooled-tree.ts';

export interface CopyToContainer extends ContainerPath {
  /** An absolute path of this machine, or a tar whose files go into the directory at `path`. */
  readonly source: string | AsyncIterable<Uint8Array>;
}

export interface CopyToContainerOptions extends CallOptions {
  /** Keep owners, where a path is copied; otherwise its files belong to root there. Those of a tar are kept. */
  readonly keepsOwners?: boolean | undefined;
  /** Copy what a symlink at the end of the source leads to, under the link's name, and not the link. */
  readonly followsLink?: boolean | undefined;
}

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const CONTENT = 'content';

/**
 * Copies files of this machine, or of a tar, into a kept container, by the rules of `docker cp`: into a directory that
 * exists, over a file that exists, else under the new name. Directories that exist are merged, files are replaced, each
 * by a rename.
 *
 * Everything is read before anything is written. Links of the container are followed within it, and whatever it changes
 * meanwhile, nothing is written outside of it.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `SOURCE_MISSING` | `DESTINATION_INVALID` | `PATH_UNKNOWN` | `COPY_FAILED` …
 */
export async function copyToContainer(
  context: ContainerContext,
  {source, ...destination}: CopyToContainer,
  options: CopyToContainerOptions = {},
): Promise<void> {
  await using tree = await spool(context, source, options);
  using root = await openContainerRoot(context, destination.container, {...options, hasMounts: true});
  using target = findTarget(root, destination, tree);
  const isRooted = typeof source === 'string' && options.keepsOwners !== true;
  const ownerOf = isRooted ? () => ({uid: 0, gid: 0}) : undefined;
  await writeInto(target, {...options, ownerOf});
}

interface SourceTree extends AsyncDisposable {
  readonly node: FileNode;
  /** Null: what is in it is copied. */
  readonly name: ByteString | null;
}

async function spool(
  context: ContainerContext,
  source: CopyToContainer['source'],
  options: CopyToContainerOptions,
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

interface Target extends Disposable {
  readonly directoryFd: number;
  /** As messages name it. */
  readonly where: string;
  readonly entries: ReadonlyMap<ByteString, FileNode>;
}

/** As `findTarget` of images, below the root of a container. */
function findTarget({rootFd, syscalls}: ContainerRoot, destination: ContainerPath, {node, name}: SourceTree): Target {
  using file = locateFile(syscalls, {...destination, rootFd}, {followsLast: true});
  const {stats} = file;
  const where = `${excerpt(destination.path)} in container ${destination.container}`;
  const isDirectory = node.kind === 'directory';
  const into = (path: string, entries: Target['entries']): Target => {
    const directoryFd = attempt(where, () => syscalls.openInRoot(rootFd, path, DIRECTORY_FLAGS));
    return {directoryFd, where, entries, [Symbol.dispose]: () => closeSync(directoryFd)};
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

interface WriteOptions extends Pick<CallOptions, 'signal'> {
  readonly ownerOf: (() => {readonly uid: number; readonly gid: number}) | undefined;
}

async function writeInto({directoryFd, where, entries}: Target, {signal, ownerOf}: WriteOptions): Promise<void> {
  const name = `.winch-copy-${randomBytes(6).toString('hex')}`;
  const staging = `/proc/self/fd/${directoryFd}/${name}`;
  try {
    mkdirSync(staging, {mode: 0o700});
    const stagingFd = openSync(staging, DIRECTORY_FLAGS);
    try {
      const directory = `/proc/self/fd/${stagingFd}/.`;
      await writeRootfs({...EMPTY_ROOT, entries}, {directory, name: CONTENT}, {signal, ownerOf});
      signal?.throwIfAborted();
      moveEntries(`${directory}/${CONTENT}`, `/proc/self/fd/${directoryFd}/.`);
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
  const known = storageError(error, where);
  if (known !== error || !hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EEXIST', 'ENOTEMPTY')) return known;
  return new WinchError('COPY_FAILED', `files cannot be written to ${where}: ${error.code}`, {
    kind: 'storage',
    hint: 'the container may have changed it meanwhile: try again',
    cause: error,
  });
}

const invalid = (where: string, problem: string): WinchError =>
  new WinchError('DESTINATION_INVALID', `${where} ${problem}`, {
    kind: 'invalid',
    hint: 'name a directory that exists, or a new name in one',
  });
