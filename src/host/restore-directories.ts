import {type BigIntStats, chmodSync, chownSync, lstatSync, mkdirSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import type {Syscalls} from './syscalls.ts';

/** Directories of a layer by their paths: bytes as latin1 text, without a leading slash; the root is empty. */
export interface DirectoryMarks {
  /** Those that no entry describes: something below them has one. */
  readonly implied: readonly string[];
  /** Those that hide what lower layers have below them. */
  readonly opaque: readonly string[];
}

export interface RestoreRequest {
  /** Mounted layers, topmost first. */
  readonly layers: readonly {readonly path: string; readonly directories: DirectoryMarks}[];
  /** Becomes a directory to lay over them. */
  readonly target: string;
  /** The directory above them all, which shows as the root; null without one. */
  readonly upper: string | null;
}

interface View {
  readonly path: string;
  readonly implied: ReadonlySet<string>;
  readonly opaque: ReadonlySet<string>;
}

type Attributes = BigIntStats;

const PERMISSION_BITS = 0o7777n;

/**
 * Gives directories that a layer only implies the owner, mode and time that the next lower layer gave them, as unpacking
 * one layer over the other would: in an overlay the topmost directory counts, described or not.
 *
 * Synchronous: the layers are mounted for the calling thread only.
 */
export function restoreDirectories(syscalls: Syscalls, {layers, target, upper}: RestoreRequest): void {
  const views = layers.map(({path, directories}) => ({
    path,
    implied: new Set(directories.implied),
    opaque: new Set(directories.opaque),
  }));
  mkdirSync(target, {mode: 0o755});
  const restored = findRestored(views);
  const paths = [...restored.keys()].toSorted();
  for (const path of paths) if (path !== '') mkdirSync(locate(target, path));
  // A directory's own time changes while others are made in it.
  for (const path of paths.toReversed()) applyAttributes(syscalls, locate(target, path), restored.get(path));
  if (upper !== null) applyAttributes(syscalls, Buffer.from(upper), restored.get(''));
}

/** What to make, parents included since they cover as well. */
function findRestored(views: readonly View[]): ReadonlyMap<string, Attributes> {
  const restored = new Map<string, Attributes>();
  for (const path of new Set(['', ...views.flatMap(({implied}) => [...implied])])) {
    const found = findVisible(views, path);
    if (path !== '' && !found?.isLower) continue;
    for (const covered of withParents(path)) {
      const visible = findVisible(views, covered);
      if (visible) restored.set(covered, visible.attributes);
    }
  }
  return restored;
}

function withParents(path: string): readonly string[] {
  const parts = path === '' ? [] : path.split('/');
  return ['', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))];
}

/** The directory that the layers show at a path, with the attributes of the topmost layer that describes it. */
function findVisible(views: readonly View[], path: string): {attributes: Attributes; isLower: boolean} | null {
  let top: Attributes | null = null;
  for (const view of views) {
    const found = lookUp(view, path);
    if (found === 'hidden') break;
    if (found.attributes) {
      if (!view.implied.has(path)) return {attributes: found.attributes, isLower: top !== null};
      top ??= found.attributes;
    }
    if (found.isOpaque) break;
  }
  return top && {attributes: top, isLower: false};
}

/** `hidden`: something that is no directory, a whiteout for one, covers what lower layers have. */
function lookUp(view: View, path: string): 'hidden' | {attributes: Attributes | null; isOpaque: boolean} {
  let isOpaque = false;
  let attributes: Attributes | null = null;
  for (const part of withParents(path)) {
    attributes = readAttributes(locate(view.path, part));
    if (attributes === null) return {attributes, isOpaque};
    if (!attributes.isDirectory()) return 'hidden';
    isOpaque ||= view.opaque.has(part);
  }
  return {attributes, isOpaque};
}

const locate = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);

function readAttributes(path: Buffer): Attributes | null {
  try {
    return lstatSync(path, {bigint: true});
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

function applyAttributes(syscalls: Syscalls, path: Buffer, attributes: Attributes | undefined): void {
  if (!attributes) return;
  chownSync(path, Number(attributes.uid), Number(attributes.gid));
  chmodSync(path, Number(attributes.mode & PERMISSION_BITS));
  syscalls.setModificationTime(path, attributes.mtimeNs);
}
