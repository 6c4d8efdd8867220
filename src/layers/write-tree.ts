import {closeSync, constants, openSync, readSync, writeSync} from 'node:fs';
import {basename, dirname} from 'node:path';
import {setImmediate} from 'node:timers/promises';
import {isWinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {loadTreeCalls, type TreeCalls} from '../host/tree-calls.ts';
import type {ByteString} from './byte-string.ts';
import {damagedIndex} from './erofs-reader.ts';
import type {FileKind, FileNode} from './file-tree.ts';

export interface TreeToWrite {
  readonly root: FileNode;
  /** What the root becomes: must not exist, in a directory that nobody else can enter. */
  readonly path: string;
}

export interface WriteTreeOptions {
  readonly signal?: AbortSignal | undefined;
}

interface Writing {
  readonly calls: TreeCalls;
  /** The directory above the root. */
  readonly outside: number;
  /** The directory that is being filled; one at a time, since trees may be deeper than files may be open. */
  current: number;
  /** Content that has more than one name. */
  readonly linked: ReadonlySet<string>;
  /** Where such content was written first, from the directory above the root. */
  readonly firstPaths: Map<string, ByteString>;
  /** Layer files by their paths. */
  readonly sources: Map<string, number>;
  readonly buffer: Buffer;
  nodes: number;
  readonly signal: AbortSignal | undefined;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const NODES_AT_ONCE = 256;
const BUFFER_BYTES = 1024 * 1024;
const NODE_TYPES: Readonly<Partial<Record<FileKind, number>>> = Object.freeze({
  character: constants.S_IFCHR,
  block: constants.S_IFBLK,
  fifo: constants.S_IFIFO,
});
const SELF = Buffer.from('.');
const ABOVE = Buffer.from('..');

/**
 * Writes files with their content, owners, modes, times, hard links, devices and extended attributes, as root.
 *
 * Every step names one component below an open directory and follows no symlink. What was written when it fails is the
 * caller's to remove.
 *
 * @throws {WinchError} `STORE_CORRUPT`: a layer file is cut off | as the file system
 */
export async function writeTree({root, path}: TreeToWrite, {signal}: WriteTreeOptions = {}): Promise<void> {
  signal?.throwIfAborted();
  const outside = openSync(dirname(path), DIRECTORY);
  const calls = loadTreeCalls();
  const name = Buffer.from(basename(path));
  const writing: Writing = {
    calls,
    outside,
    current: calls.open(outside, SELF, DIRECTORY),
    linked: findLinked(root),
    firstPaths: new Map(),
    sources: new Map(),
    buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES),
    nodes: 0,
    signal,
  };
  try {
    await writeDirectory(writing, root, {name, path: name.toString('latin1')});
  } catch (error) {
    throw isWinchError(error) || signal?.aborted ? error : storageError(error, path);
  } finally {
    calls.close(writing.current);
    for (const fd of [outside, ...writing.sources.values()]) closeSync(fd);
  }
}

interface Place {
  readonly name: Buffer;
  /** From the directory above the root. */
  readonly path: ByteString;
}

async function writeDirectory(writing: Writing, node: FileNode, {name, path}: Place): Promise<void> {
  writing.calls.makeDirectory(writing.current, name, 0o700);
  enter(writing, name);
  for (const [childName, child] of node.entries ?? []) {
    await breathe(writing);
    const place = {name: Buffer.from(childName, 'latin1'), path: `${path}/${childName}`};
    if (child.kind === 'directory') await writeDirectory(writing, child, place);
    else writeLeaf(writing, child, place);
  }
  // A directory's own time changes while others are made in it.
  describe(writing, node, SELF);
  enter(writing, ABOVE);
}

function enter(writing: Writing, name: Buffer): void {
  const next = writing.calls.open(writing.current, name, DIRECTORY);
  writing.calls.close(writing.current);
  writing.current = next;
}

/** A thread hears of an abort only in between. */
async function breathe(writing: Writing): Promise<void> {
  writing.nodes += 1;
  if (writing.nodes % NODES_AT_ONCE !== 0) return;
  await setImmediate();
  writing.signal?.throwIfAborted();
}

function writeLeaf(writing: Writing, node: FileNode, {name, path}: Place): void {
  const {calls, current, outside, firstPaths, linked} = writing;
  const key = keyOf(node);
  const first = firstPaths.get(key);
  if (first !== undefined) {
    calls.link(outside, Buffer.from(first, 'latin1'), current, name);
    return;
  }
  if (node.kind === 'file') writeFile(writing, node, name);
  else if (node.kind === 'symlink') calls.makeSymlink(current, name, Buffer.from(node.linkTarget ?? '', 'latin1'));
  else calls.makeNode(current, name, (NODE_TYPES[node.kind] ?? 0) | 0o600, node.device);
  describe(writing, node, name);
  if (linked.has(key)) firstPaths.set(key, path);
}

function writeFile(writing: Writing, node: FileNode, name: Buffer): void {
  const {calls, current, buffer} = writing;
  const target = calls.open(current, name, NEW_FILE, 0o600);
  try {
    const source = node.size > 0 ? openSource(writing, node.layerPath) : 0;
    for (let position = 0; position < node.size; ) {
      writing.signal?.throwIfAborted();
      const wanted = Math.min(buffer.length, node.size - position);
      const bytes = readSync(source, buffer, 0, wanted, node.contentOffset + position);
      if (bytes === 0) throw damagedIndex(node.layerPath, 'a file lies outside it');
      writeAll(target, buffer.subarray(0, bytes));
      position += bytes;
    }
  } finally {
    calls.close(target);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function openSource({sources}: Writing, path: string): number {
  const fd = sources.get(path) ?? openSync(path, 'r');
  sources.set(path, fd);
  return fd;
}

/** The owner first: changing it clears setuid bits and capabilities. The time last: all else changes it. */
function describe({calls, current}: Writing, node: FileNode, name: Buffer): void {
  calls.changeOwner(current, name, node.uid, node.gid);
  if (node.kind !== 'symlink') calls.changeMode(current, name, node.permissions);
  const holdsAny = node.kind === 'file' || node.kind === 'directory';
  for (const [attribute, value] of node.xattrs ?? []) {
    // The kernel keeps those of users on files and directories alone (xattr(7)).
    if (!holdsAny && attribute.startsWith('user.')) continue;
    calls.setAttribute(current, name, {name: Buffer.from(attribute, 'latin1'), value: Buffer.from(value, 'latin1')});
  }
  calls.setTime(current, name, BigInt(node.mtimeSeconds), node.mtimeNanoseconds);
}

const keyOf = ({layerPath, inode}: FileNode): string => `${inode} ${layerPath}`;

/** Content with several names; each whiteout is one of its own, since a file system limits the names of a file. */
function findLinked(root: FileNode): ReadonlySet<string> {
  const seen = new Set<string>();
  const linked = new Set<string>();
  const directories = [root];
  for (const {entries} of directories) {
    for (const node of entries?.values() ?? []) {
      if (node.kind === 'directory') directories.push(node);
      else if (node.kind !== 'character' || node.device !== 0) (seen.has(keyOf(node)) ? linked : seen).add(keyOf(node));
    }
  }
  return linked;
}
