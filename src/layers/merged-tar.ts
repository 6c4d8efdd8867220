import {readRegion} from '../host/file-regions.ts';
import type {ByteString} from './byte-string.ts';
import type {FileNode} from './file-tree.ts';
import {encodeTarHeader, tarPadding} from './tar-encoding.ts';
import {TAR_END_BYTES} from './tar-writer.ts';

/** As Linux packs a device number into 32 bits. */
const MINOR_LOW_MASK = 0xff;
const MAJOR_MASK = 0xfff;

/**
 * The bytes of a tar of merged layers: every kind of file with its owner, time and attributes, names of one file as hard
 * links to the first of them. Names are in the order of their bytes, so equal layers give equal tars.
 */
export async function* writeMergedTar(
  root: FileNode,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): AsyncGenerator<Uint8Array> {
  const firstNames = new Map<string, ByteString>();
  for (const {path, node} of walk(root, '')) {
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
    yield* readRegion({path: node.layerPath, offset: node.contentOffset, size: node.size}, 0, {signal});
    yield tarPadding(node.size);
  }
  yield Buffer.alloc(TAR_END_BYTES);
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
