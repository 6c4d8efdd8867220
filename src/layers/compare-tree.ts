import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import {setImmediate} from 'node:timers/promises';
import {hasErrno} from '../errors.ts';
import {type AttributeCalls, loadAttributeCalls} from '../host/attribute-calls.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import type {ByteString} from './byte-string.ts';
import {type FileNode, kindOfMode} from './file-tree.ts';
import {canHaveXattr} from './xattr-policy.ts';

export interface TreeToCompare {
  readonly root: FileNode;
  /** Of a directory on disk. */
  readonly path: string;
}

interface Comparing {
  /** The directory on disk that is being looked at. */
  current: number;
  readonly sources: Map<string, number>;
  readonly buffers: readonly [Buffer, Buffer];
  readonly attributes: AttributeCalls;
  readonly isCompared: (attribute: ByteString) => boolean;
  readonly signal: AbortSignal | undefined;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const BUFFER_BYTES = 256 * 1024;
const PERMISSIONS = 0o7777n;
const SECOND = 1_000_000_000n;
/** Access lists follow from modes, and what else `security.` has is the machine's. Namespaces may keep no capabilities. */
const COMPARED = ['user.', 'trusted.', 'security.capability'];
const COMPARED_IN_NAMESPACES = ['user.'];

/**
 * Holds a directory on disk against files of layer files: names, kinds, owners, modes, times, extended attributes and
 * every byte of content.
 *
 * @returns the path of the first difference, `.` when the directory itself is another; null: there is none
 * @throws a Node system error when the disk cannot be read
 */
export async function findDifference(
  {root, path}: TreeToCompare,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<ByteString | null> {
  const current = openDirectory(path);
  if (current === null) return '.';
  const compared = isInitialUserNamespace() ? COMPARED : COMPARED_IN_NAMESPACES;
  const comparing: Comparing = {
    current,
    attributes: loadAttributeCalls(),
    isCompared: (attribute) => compared.some((prefix) => attribute.startsWith(prefix)),
    sources: new Map(),
    buffers: [Buffer.allocUnsafeSlow(BUFFER_BYTES), Buffer.allocUnsafeSlow(BUFFER_BYTES)],
    signal,
  };
  try {
    return isDescribed(comparing, root, '.') ? await compareEntries(comparing, root, '') : '.';
  } finally {
    for (const fd of [comparing.current, ...comparing.sources.values()]) closeSync(fd);
  }
}

function openDirectory(path: string): number | null {
  try {
    return openSync(path, DIRECTORY);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null;
    throw error;
  }
}

async function compareEntries(comparing: Comparing, node: FileNode, path: ByteString): Promise<ByteString | null> {
  await setImmediate();
  comparing.signal?.throwIfAborted();
  const entries = node.entries ?? new Map<ByteString, FileNode>();
  const names = readdirSync(below(comparing, '.'), {encoding: 'buffer'}).map((name) => name.toString('latin1'));
  const extra = names.find((name) => !entries.has(name));
  if (extra !== undefined) return join(path, extra);
  for (const [name, child] of entries) {
    const difference = await compareNode(comparing, child, {name, path: join(path, name)});
    if (difference !== null) return difference;
  }
  return null;
}

interface Place {
  readonly name: ByteString;
  readonly path: ByteString;
}

async function compareNode(comparing: Comparing, node: FileNode, {name, path}: Place): Promise<ByteString | null> {
  if (!isDescribed(comparing, node, name)) return path;
  if (node.kind === 'file') return hasContent(comparing, node, name) ? null : path;
  if (node.kind === 'symlink') {
    const target = readlinkSync(below(comparing, name), {encoding: 'buffer'});
    return target.toString('latin1') === node.linkTarget ? null : path;
  }
  if (node.kind !== 'directory') return null;
  enter(comparing, name);
  const difference = await compareEntries(comparing, node, path);
  enter(comparing, '..');
  return difference;
}

/** One directory is open at a time, however deep the tree is. */
function enter(comparing: Comparing, name: ByteString): void {
  const next = openSync(below(comparing, name), DIRECTORY);
  closeSync(comparing.current);
  comparing.current = next;
}

const isDescribed = (comparing: Comparing, node: FileNode, name: ByteString): boolean =>
  hasStats(node, statAt(comparing, name)) && hasXattrs(comparing, node, name);

function hasStats(node: FileNode, stats: BigIntStats | null): boolean {
  if (stats === null || kindOfMode(Number(stats.mode)) !== node.kind) return false;
  const hasMode = node.kind === 'symlink' || (stats.mode & PERMISSIONS) === BigInt(node.permissions);
  const time = BigInt.asIntN(64, BigInt(node.mtimeSeconds)) * SECOND + BigInt(node.mtimeNanoseconds);
  return (
    hasMode &&
    stats.uid === BigInt(node.uid) &&
    stats.gid === BigInt(node.gid) &&
    stats.mtimeNs === time &&
    (node.kind !== 'file' || stats.size === BigInt(node.size))
  );
}

function hasXattrs(comparing: Comparing, {kind, xattrs}: FileNode, name: ByteString): boolean {
  const {attributes, isCompared} = comparing;
  const found = [...attributes.read(below(comparing, name))].filter(([attribute]) => isCompared(attribute));
  const expected = [...(xattrs ?? [])].filter(([attribute]) => isCompared(attribute) && canHaveXattr(kind, attribute));
  return found.length === expected.length && found.every(([attribute, value]) => xattrs?.get(attribute) === value);
}

function hasContent(comparing: Comparing, node: FileNode, name: ByteString): boolean {
  if (node.size === 0) return true;
  const [expected, found] = comparing.buffers;
  const source = comparing.sources.get(node.layerPath) ?? openSync(node.layerPath, 'r');
  comparing.sources.set(node.layerPath, source);
  const file = openSync(below(comparing, name), FILE);
  try {
    for (let position = 0; position < node.size; position += BUFFER_BYTES) {
      comparing.signal?.throwIfAborted();
      const bytes = Math.min(BUFFER_BYTES, node.size - position);
      const isRead = readSync(source, expected, 0, bytes, node.contentOffset + position) === bytes;
      const isFound = readSync(file, found, 0, bytes, position) === bytes;
      if (!(isRead && isFound && expected.compare(found, 0, bytes, 0, bytes) === 0)) return false;
    }
    return true;
  } finally {
    closeSync(file);
  }
}

function statAt(comparing: Comparing, name: ByteString): BigIntStats | null {
  try {
    return lstatSync(below(comparing, name), {bigint: true});
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

const below = ({current}: Comparing, name: ByteString): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${current}/`), Buffer.from(name, 'latin1')]);

const join = (path: ByteString, name: ByteString): ByteString => (path === '' ? name : `${path}/${name}`);
