import {closeSync, constants} from 'node:fs';
import {posix} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {mountIdOf} from '../../host/mount-id.ts';
import {resolveInRoot} from '../../host/root-path.ts';
import type {ByteString} from '../../layers/byte-string.ts';
import type {FileNode} from '../../layers/file-tree.ts';
import type {OpenedRoot, PutTarget} from './put-files.ts';

type Entries = PutTarget['entries'];

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Open directories, each with what goes into it from beside its place; closed together. */
export interface SplitTarget extends Disposable {
  readonly places: readonly PutTarget[];
}

/**
 * Splits what goes into a directory by where it comes to lie: below a directory that something else is mounted on, and
 * below a symlink that leads to a directory, files cannot be moved from beside the place that was named. A link that
 * leads nowhere is left to be replaced.
 *
 * @param target Closed with what is returned.
 */
export function splitByPlace(root: OpenedRoot, target: PutTarget): SplitTarget {
  using held = new DisposableStack();
  const pending = [held.use(target)];
  const setApart = (place: PutTarget) => void pending.push(held.use(place));
  const places: PutTarget[] = [];
  for (let next = pending.shift(); next; next = pending.shift()) {
    places.push({...next, entries: keepHere({root, where: next.where, setApart}, next)});
  }
  const kept = held.move();
  return {places, [Symbol.dispose]: () => kept.dispose()};
}

interface Splitting {
  readonly root: OpenedRoot;
  readonly where: string;
  /** Takes a place that is found on the way. */
  readonly setApart: (place: PutTarget) => void;
}

interface Place {
  readonly directoryFd: number;
  /** In the container, without symlinks. */
  readonly path: string;
  readonly entries: Entries;
}

function keepHere(splitting: Splitting, {directoryFd, path, entries}: Place): Entries {
  const mount = mountIdOf(directoryFd);
  const kept = new Map<ByteString, FileNode>();
  for (const [name, node] of entries) {
    const below = node.kind !== 'directory' ? null : openDirectory(splitting.root, posix.join(path, textOf(name)));
    if (below === null) kept.set(name, node);
    else if (below.isLinked || mountIdOf(below.directoryFd) !== mount)
      splitting.setApart(placeOf(splitting, below, node));
    else kept.set(name, {...node, entries: keepAndClose(splitting, {...below, entries: entriesOf(node)})});
  }
  return kept;
}

function keepAndClose(splitting: Splitting, place: Place): Entries {
  try {
    return keepHere(splitting, place);
  } finally {
    closeSync(place.directoryFd);
  }
}

const entriesOf = ({entries}: FileNode): Entries => entries ?? new Map<ByteString, FileNode>();

const placeOf = ({where}: Splitting, {directoryFd, path}: Omit<Place, 'entries'>, node: FileNode): PutTarget => ({
  ...{directoryFd, path, where, entries: entriesOf(node)},
  [Symbol.dispose]: () => closeSync(directoryFd),
});

/** Null: there is no such directory, so it comes with what goes in. */
function openDirectory({rootFd, syscalls}: OpenedRoot, path: string) {
  const resolved = resolveInRoot(syscalls, rootFd, path);
  if (resolved === null) return null;
  try {
    const directoryFd = syscalls.openInRoot(rootFd, resolved, DIRECTORY_FLAGS);
    return {directoryFd, path: resolved, isLinked: resolved !== path};
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null;
    throw error;
  }
}

const textOf = (name: ByteString): string => Buffer.from(name, 'latin1').toString();
