import {type BigIntStats, closeSync, constants, lstatSync, openSync, readdirSync} from 'node:fs';
import type {CallOptions} from '../../events.ts';
import {type AttributeCalls, loadAttributeCalls} from '../../host/attribute-calls.ts';
import {openImageFiles} from '../../images/open-files.ts';
import type {ByteString} from '../../layers/byte-string.ts';
import {FILE_TYPE_MASK} from '../../layers/erofs-format.ts';
import {type FileNode, kindOfMode} from '../../layers/file-tree.ts';
import {isOpaque, requireWhole} from '../../layers/upper-marks.ts';
import {unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {MOUNT_PLACES} from './mount-places.ts';
import {openUpper} from './open-upper.ts';

export interface ContainerChange {
  /** Added, changed or deleted, as docker calls it. */
  readonly kind: 'A' | 'C' | 'D';
  readonly path: string;
}

/** Places for mounts that nobody has written to are no change, nor are the directories that were made for them. */
const PLACES: ReadonlySet<ByteString> = new Set([...MOUNT_PLACES, '/etc', '/run']);
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const PERMISSIONS = 0o7777n;
const SECOND = 1_000_000_000n;

/**
 * What a container has added, changed and deleted since it was made, by path. A directory in which something
 * changed has changed as well.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `WRITES_UNKNOWN` | `STORE_CORRUPT`
 */
export async function listChanges(
  context: ContainerContext,
  text: string,
  options: CallOptions = {},
): Promise<readonly ContainerChange[]> {
  using upper = await openUpper(context, text);
  if (upper.directoryFd === null) return [];
  const {root, close} = await openImageFiles(context, upper.imageId, options);
  try {
    const comparison = {calls: loadAttributeCalls(), changes: [], signal: options.signal};
    compareDirectory(comparison, {fd: upper.directoryFd, path: '', lower: root});
    return comparison.changes;
  } finally {
    close();
  }
}

interface Comparison {
  readonly calls: AttributeCalls;
  readonly changes: ContainerChange[];
  readonly signal: AbortSignal | undefined;
}

interface Directory {
  readonly fd: number;
  readonly path: ByteString;
  /** What the image has there; null: nothing that shows. */
  readonly lower: FileNode | null;
}

function compareDirectory(comparison: Comparison, {fd, path, lower}: Directory): void {
  comparison.signal?.throwIfAborted();
  const self = Buffer.from(`/proc/self/fd/${fd}/.`);
  const attributes = comparison.calls.read(self);
  requireWhole(attributes, path);
  const below = lower?.entries ?? new Map<ByteString, FileNode>();
  const names = new Set(readdirSync(self, {encoding: 'latin1'}));
  const hidden = isOpaque(attributes) ? [...below.keys()].filter((name) => !names.has(name)) : [];
  for (const name of [...names, ...hidden].sort()) {
    const place = `${path}/${name}`;
    if (!names.has(name)) note(comparison, 'D', place);
    else compareEntry(comparison, {directoryFd: fd, name, path: place, lower: below.get(name) ?? null});
  }
}

interface Entry {
  readonly directoryFd: number;
  readonly name: ByteString;
  readonly path: ByteString;
  readonly lower: FileNode | null;
}

function compareEntry(comparison: Comparison, {directoryFd, name, path, lower}: Entry): void {
  const file = Buffer.concat([Buffer.from(`/proc/self/fd/${directoryFd}/`), Buffer.from(name, 'latin1')]);
  const stats = unlessGone<BigIntStats | null>(() => lstatSync(file, {bigint: true}), null);
  if (stats === null) return;
  if (stats.isCharacterDevice() && stats.rdev === 0n) {
    if (lower !== null) note(comparison, 'D', path);
    return;
  }
  const {changes} = comparison;
  const at = changes.length;
  const isSame = lower !== null && isUnchanged(lower, stats);
  if (stats.isDirectory()) compareBelow(comparison, file, {path, lower: lower?.kind === 'directory' ? lower : null});
  const hasChanges = changes.length > at;
  if (isSame && !hasChanges) return;
  if (lower === null && !hasChanges && PLACES.has(path) && (stats.isDirectory() || stats.size === 0n)) return;
  changes.splice(at, 0, {kind: lower === null ? 'A' : 'C', path: textOf(path)});
}

function compareBelow(comparison: Comparison, file: Buffer, directory: Omit<Directory, 'fd'>): void {
  const fd = unlessGone(() => openSync(file, DIRECTORY_FLAGS), null);
  if (fd === null) return;
  try {
    compareDirectory(comparison, {...directory, fd});
  } finally {
    closeSync(fd);
  }
}

/** A directory is copied for what is changed in it, with a new time. */
function isUnchanged(lower: FileNode, {mode, uid, gid, size, mtimeNs}: BigIntStats): boolean {
  const isSame =
    kindOfMode(Number(mode) & FILE_TYPE_MASK) === lower.kind &&
    Number(mode & PERMISSIONS) === lower.permissions &&
    Number(uid) === lower.uid &&
    Number(gid) === lower.gid;
  if (!isSame || lower.kind === 'directory') return isSame;
  const time = BigInt(lower.mtimeSeconds) * SECOND + BigInt(lower.mtimeNanoseconds);
  return mtimeNs === time && (lower.kind !== 'file' || Number(size) === lower.size);
}

const note = ({changes}: Comparison, kind: ContainerChange['kind'], path: ByteString): void =>
  void changes.push({kind, path: textOf(path)});

const textOf = (path: ByteString): string => Buffer.from(path, 'latin1').toString();
