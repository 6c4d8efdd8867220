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
/** Most files are small: one write for each would take longer than to read them all. */
const BATCH_BYTES = 1024 * 1024;
const READ_BYTES = 1024 * 1024;

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
    yield* inBatches(writeMembers(root, {name, files, signal}));
  } finally {
    for (const file of files.values()) await file.close();
  }
}

interface Writing {
  readonly name: ByteString;
  /** Layer files that were opened, by their paths. */
  readonly files: Map<string, FileHandle>;
  readonly signal: AbortSignal | undefined;
}

async function* writeMembers(root: FileNode, {name, files, signal}: Writing): AsyncGenerator<Uint8Array> {
  const firstNames = new Map<string, ByteString>();
  for (const {path, node} of walk(root, name)) {
    signal?.throwIfAborted();
    const key = `${node.inode} ${node.layerPath}`;
    const first = node.kind === 'directory' ? undefined : firstNames.get(key);
    if (first !== undefined) {
      yield encodeTarHeader({...attributesOf(node), path, type: 'hardlink', linkPath: first, size: 0});
      continue;
    }
    firstNames.set(key, path);
    yield encodeTarHeader({...attributesOf(node), path, type: node.kind, linkPath: node.linkTarget ?? ''});
    if (node.size === 0) continue;
    yield* readContent(node, files);
    yield tarPadding(node.size);
  }
  yield Buffer.alloc(TAR_END_BYTES);
}

async function* readContent({layerPath, contentOffset, size}: FileNode, files: Map<string, FileHandle>) {
  const file = files.get(layerPath) ?? (await openRegularFile(layerPath));
  files.set(layerPath, file);
  for (let done = 0; done < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size - done));
    const {bytesRead} = await file.read(buffer, 0, buffer.length, contentOffset + done);
    if (bytesRead === 0) throw shortened(layerPath);
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* inBatches(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    batch.push(piece);
    bytes += piece.length;
    if (bytes < BATCH_BYTES) continue;
    yield Buffer.concat(batch);
    batch = [];
    bytes = 0;
  }
  yield Buffer.concat(batch);
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
