import {type BigIntStats, closeSync, constants, lstatSync, openSync, readdirSync} from 'node:fs';
import type {OwnerTranslation} from '../../bundle/id-mappings.ts';
import type {CallOptions} from '../../events.ts';
import {type AttributeCalls, loadAttributeCalls} from '../../host/attribute-calls.ts';
import {type IdMaps, isInitialUserNamespace, isMapped, readIdMaps} from '../../host/user-namespace.ts';
import {openImageFiles} from '../../images/open-files.ts';
import type {ByteString} from '../../layers/byte-string.ts';
import {FILE_TYPE_MASK} from '../../layers/erofs-format.ts';
import {type FileNode, kindOfMode} from '../../layers/file-tree.ts';
import {readMarkedNames, requireWhole} from '../../layers/upper-marks.ts';
import {unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {MOUNT_PLACES} from './mount-places.ts';
import {type OpenedUpper, openUpper} from './open-upper.ts';

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
  const changes = await findChanges(context, upper, options);
  return changes.map(({kind, path}) => ({kind, path: Buffer.from(path, 'latin1').toString()}));
}

export interface FoundChange {
  readonly kind: ContainerChange['kind'];
  readonly path: ByteString;
}

/** As `listChanges`, of what is open. */
export async function findChanges(
  context: ContainerContext,
  {directoryFd, imageId, isWhole, owners}: OpenedUpper,
  options: CallOptions,
): Promise<readonly FoundChange[]> {
  if (directoryFd === null) return [];
  const {root, close} = await openImageFiles(context, imageId, options);
  try {
    const ids = isWhole && !isInitialUserNamespace() ? readIdMaps() : null;
    const {signal} = options;
    const comparison: Comparison = {calls: loadAttributeCalls(), changes: [], signal, isWhole, ids, owners};
    compareDirectory(comparison, {fd: directoryFd, path: '', lower: root});
    return comparison.changes;
  } finally {
    close();
  }
}

interface Comparison {
  readonly calls: AttributeCalls;
  readonly changes: FoundChange[];
  readonly signal: AbortSignal | undefined;
  /** Whether what is not there was deleted. */
  readonly isWhole: boolean;
  /** Those that a copy could have, which also lacks devices then; null: all. */
  readonly ids: IdMaps | null;
  readonly owners: OwnerTranslation | null;
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
  const below = lower?.entries ?? new Map<ByteString, FileNode>();
  const {names, hidden} = readNames(comparison, {listed: readdirSync(self, {encoding: 'latin1'}), attributes, below});
  if (!comparison.isWhole) requireWhole(attributes, path);
  for (const name of [...names, ...hidden].sort()) {
    const place = `${path}/${name}`;
    if (!names.has(name)) note(comparison, 'D', place);
    else compareEntry(comparison, {directoryFd: fd, name, path: place, lower: below.get(name) ?? null});
  }
}

interface ListedDirectory {
  readonly listed: readonly ByteString[];
  readonly attributes: ReadonlyMap<string, string>;
  readonly below: ReadonlyMap<ByteString, FileNode>;
}

/** What is in a directory, and what of the image is not. */
function readNames({isWhole, ids}: Comparison, {listed, attributes, below}: ListedDirectory) {
  const marked = isWhole ? {content: listed, hidden: [], isOpaque: true} : readMarkedNames(listed, attributes);
  const names = new Set(marked.content);
  const isDevice = (name: ByteString) => /^(?:character|block)$/.test(below.get(name)?.kind ?? '');
  const lacking = marked.isOpaque ? [...below.keys()] : marked.hidden.filter((name) => below.has(name));
  return {names, hidden: lacking.filter((name) => !names.has(name) && !(ids && isDevice(name)))};
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
  if (!comparison.isWhole && stats.isCharacterDevice() && stats.rdev === 0n) {
    if (lower !== null) note(comparison, 'D', path);
    return;
  }
  const {changes} = comparison;
  const at = changes.length;
  const isSame = lower !== null && isUnchanged(lower, stats, comparison);
  if (stats.isDirectory()) compareBelow(comparison, file, {path, lower: lower?.kind === 'directory' ? lower : null});
  const hasChanges = changes.length > at;
  if (isSame && !hasChanges) return;
  if (lower === null && !hasChanges && PLACES.has(path) && (stats.isDirectory() || stats.size === 0n)) return;
  changes.splice(at, 0, {kind: lower === null ? 'A' : 'C', path});
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
function isUnchanged(lower: FileNode, stats: BigIntStats, {ids, owners}: Pick<Comparison, 'ids' | 'owners'>): boolean {
  const {mode, size, mtimeNs} = stats;
  const onDisk = {uid: Number(stats.uid), gid: Number(stats.gid)};
  const {uid, gid} = owners?.toContainer(onDisk) ?? onDisk;
  const isSame =
    kindOfMode(Number(mode) & FILE_TYPE_MASK) === lower.kind &&
    Number(mode & PERMISSIONS) === lower.permissions &&
    (uid === lower.uid || (ids !== null && !isMapped(ids.uids, lower.uid))) &&
    (gid === lower.gid || (ids !== null && !isMapped(ids.gids, lower.gid)));
  if (!isSame || lower.kind === 'directory') return isSame;
  const time = BigInt(lower.mtimeSeconds) * SECOND + BigInt(lower.mtimeNanoseconds);
  return mtimeNs === time && (lower.kind !== 'file' || Number(size) === lower.size);
}

const note = ({changes}: Comparison, kind: ContainerChange['kind'], path: ByteString): void =>
  void changes.push({kind, path});
