import {readSync} from 'node:fs';
import type {FileHandle} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import {openRegularFile} from '../host/file-regions.ts';
import type {ByteString} from './byte-string.ts';
import type {FileNode} from './file-tree.ts';
import {encodeTarHeader, tarPadding} from './tar-encoding.ts';
import {TAR_END_BYTES} from './tar-writer.ts';

/** As Linux packs a device number into 32 bits. */
const MINOR_LOW_MASK = 0xff;
const MAJOR_MASK = 0xfff;
/** Most files are small: one write for each would take longer than to read them all. A multiple of a tar's blocks. */
const BATCH_BYTES = 1024 * 1024;

export interface MergedTarOptions {
  readonly signal?: AbortSignal | undefined;
  /** What the root is called there; absent or empty: `./`, and what is in it has names without a directory. */
  readonly name?: ByteString;
}

/**
 * The bytes of a tar of merged layers: every kind of file with its owner, time and attributes, names of one file as hard
 * links to the first of them. Names are in the order of their bytes, so equal layers give equal tars.
 */
export async function* writeMergedTar(
  root: FileNode,
  {name = '', signal}: MergedTarOptions = {},
): AsyncGenerator<Uint8Array> {
  const files = new Map<string, FileHandle>();
  try {
    const batch: Batch = {buffer: newBuffer(), length: 0};
    for (const {header, content} of listMembers(root, name)) {
      signal?.throwIfAborted();
      yield* addHeader(batch, header);
      if (content === null) continue;
      const file = files.get(content.layerPath) ?? (await openRegularFile(content.layerPath));
      files.set(content.layerPath, file);
      if (content.size > BATCH_BYTES) yield* readLarge(batch, file, content);
      else yield* readSmall(batch, file, content);
    }
    yield takeOut(batch);
    yield Buffer.alloc(TAR_END_BYTES);
  } finally {
    for (const file of files.values()) await file.close();
  }
}

/** What was not passed on yet: whole members but for the one that is written just now. */
interface Batch {
  buffer: Buffer;
  length: number;
}

/** Outside the pool that small buffers share: whoever reads the tar may keep it. */
const newBuffer = (): Buffer => Buffer.allocUnsafeSlow(BATCH_BYTES);

function takeOut(batch: Batch): Uint8Array {
  const {buffer, length} = batch;
  Object.assign(batch, {buffer: newBuffer(), length: 0});
  return buffer.subarray(0, length);
}

function* addHeader(batch: Batch, header: Buffer): Generator<Uint8Array> {
  if (batch.length + header.length > BATCH_BYTES) yield takeOut(batch);
  if (header.length > BATCH_BYTES) yield header;
  else {
    header.copy(batch.buffer, batch.length);
    batch.length += header.length;
  }
}

/**
 * Synchronous: a turn through the thread pool for each of 80 000 small files takes longer than all else. Between two
 * batches everybody else gets their turn.
 */
function* readSmall(batch: Batch, {fd}: FileHandle, {layerPath, contentOffset, size}: FileNode): Generator<Uint8Array> {
  for (let done = 0; done < size; ) {
    if (batch.length === BATCH_BYTES) yield takeOut(batch);
    const length = Math.min(BATCH_BYTES - batch.length, size - done);
    const count = readSync(fd, batch.buffer, batch.length, length, contentOffset + done);
    if (count === 0) throw shortened(layerPath);
    done += count;
    batch.length += count;
  }
  addPadding(batch, size);
}

async function* readLarge(
  batch: Batch,
  file: FileHandle,
  {layerPath, contentOffset, size}: FileNode,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < size; ) {
    if (batch.length === BATCH_BYTES) yield takeOut(batch);
    const length = Math.min(BATCH_BYTES - batch.length, size - done);
    const {bytesRead} = await file.read(batch.buffer, batch.length, length, contentOffset + done);
    if (bytesRead === 0) throw shortened(layerPath);
    done += bytesRead;
    batch.length += bytesRead;
  }
  addPadding(batch, size);
}

/** There is room: a batch ends where a block does. */
function addPadding(batch: Batch, size: number): void {
  const {length} = tarPadding(size);
  batch.buffer.fill(0, batch.length, batch.length + length);
  batch.length += length;
}

interface Member {
  readonly header: Buffer;
  /** Null: nothing follows the header. */
  readonly content: FileNode | null;
}

function* listMembers(root: FileNode, name: ByteString): Generator<Member> {
  const layers = new Map<string, Map<number, ByteString>>();
  for (const {path, node} of walk(root, name)) {
    const firstNames = layers.get(node.layerPath) ?? new Map<number, ByteString>();
    layers.set(node.layerPath, firstNames);
    const first = node.kind === 'directory' ? undefined : firstNames.get(node.inode);
    if (first !== undefined) {
      const header = encodeTarHeader({...attributesOf(node), path, type: 'hardlink', linkPath: first, size: 0});
      yield {header, content: null};
      continue;
    }
    firstNames.set(node.inode, path);
    const header = encodeTarHeader({...attributesOf(node), path, type: node.kind, linkPath: node.linkTarget ?? ''});
    yield {header, content: node.size > 0 ? node : null};
  }
}

interface NamedNode {
  readonly path: ByteString;
  readonly node: FileNode;
}

function* walk(node: FileNode, path: ByteString): Generator<NamedNode> {
  const isDirectory = node.entries !== null;
  yield {path: path === '' ? './' : isDirectory ? `${path}/` : path, node};
  for (const [name, child] of [...(node.entries ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    yield* walk(child, path === '' ? name : `${path}/${name}`);
  }
}

const attributesOf = ({permissions, uid, gid, size, mtimeSeconds, mtimeNanoseconds, xattrs, device}: FileNode) => ({
  ...{permissions, uid, gid, size, mtimeSeconds, mtimeNanoseconds, xattrs},
  deviceMajor: (device >>> 8) & MAJOR_MASK,
  deviceMinor: (device & MINOR_LOW_MASK) | ((device >>> 12) & ~MINOR_LOW_MASK),
});

const shortened = (layerPath: string): WinchError =>
  new WinchError('STORE_CORRUPT', `the layer file ${layerPath} got shorter`, {
    kind: 'corrupt',
    hint: 'remove the images that use it and pull them again',
  });
