import {openRegularFile} from '../../src/host/file-regions.ts';
import {BLOCK_BYTES, FileType, HEAD_BYTES, INODE_BYTES, InodeField} from '../../src/layers/erofs-format.ts';
import {type FileNode, kindOfMode} from '../../src/layers/file-tree.ts';
import {type InodeId, inodeType, ROOT, WHITEOUT} from '../../src/layers/inode-table.ts';
import {indexTar} from '../../src/layers/tar-index.ts';
import {createTreeBuilder, type LayerTree} from '../../src/layers/tree.ts';

export interface LayerToRead {
  /** Of a layer file. */
  readonly path: string;
  readonly tarBytes: number;
  /** How many the tar had when it was written. */
  readonly entries: number;
}

/** The names and attributes in a layer file, read from the headers of the tar in it, and not from its index. */
export async function readLayerTree({path, tarBytes, entries}: LayerToRead): Promise<LayerTree> {
  await using file = await openRegularFile(path);
  const read = async (offset: number, length: number) => {
    const buffer = Buffer.allocUnsafeSlow(Math.min(length, tarBytes - offset));
    const {bytesRead} = await file.read(buffer, 0, buffer.length, HEAD_BYTES + offset);
    return buffer.subarray(0, bytesRead);
  };
  const builder = createTreeBuilder();
  const index = await indexTar({bytes: tarBytes, read}, {where: path, entryLimit: entries});
  for (const entry of index) builder.add(entry);
  return builder.finish();
}

export interface LayerOnTop {
  readonly tree: LayerTree;
  /** The layer file that the tree is of. */
  readonly path: string;
}

/**
 * The files of an image once one more layer lies on top.
 *
 * @param below The root of the layers below; null for none.
 * @see image-spec v1.1.1 layer.md#applying-changesets
 */
export const applyLayer = (below: FileNode | null, layer: LayerOnTop): FileNode => applyDirectory(layer, ROOT, below);

function applyDirectory(layer: LayerOnTop, inode: InodeId, below: FileNode | null): FileNode {
  const {inodes, names} = layer.tree;
  const lower = below?.entries ? below : null;
  const isOpaque = inodes.opaque.has(inode);
  const entries = new Map(isOpaque ? null : lower?.entries);
  for (const {name, inode: child} of names.list(inode)) {
    if (child === WHITEOUT) entries.delete(name);
    else if (inodeType(inodes, child) !== FileType.directory) entries.set(name, readNode(layer, child));
    else entries.set(name, applyDirectory(layer, child, entries.get(name) ?? null));
  }
  // A directory that no entry describes keeps what the layers below say of it, unless it hides those.
  const described = lower && !isOpaque && inodes.implied.has(inode) ? lower : readNode(layer, inode);
  return {...described, entries};
}

const PERMISSIONS = 0o7777;

function readNode({tree: {inodes}, path}: LayerOnTop, inode: InodeId): FileNode {
  const {records} = inodes;
  const at = inode * INODE_BYTES;
  const kind = kindOfMode(inodeType(inodes, inode));
  if (!kind) throw new Error(`inode ${inode} has no known type`);
  const address = records.readUInt32LE(at + InodeField.address);
  const isDevice = kind === 'character' || kind === 'block';
  return {
    kind,
    permissions: records.readUInt16LE(at + InodeField.mode) & PERMISSIONS,
    uid: records.readUInt32LE(at + InodeField.uid),
    gid: records.readUInt32LE(at + InodeField.gid),
    mtimeSeconds: Number(records.readBigUInt64LE(at + InodeField.mtimeSeconds)),
    mtimeNanoseconds: records.readUInt32LE(at + InodeField.mtimeNanoseconds),
    inode,
    size: kind === 'file' ? Number(records.readBigUInt64LE(at + InodeField.size)) : 0,
    contentOffset: kind === 'file' ? address * BLOCK_BYTES : 0,
    linkTarget: inodes.targets.get(inode) ?? null,
    device: isDevice ? address : 0,
    xattrs: inodes.xattrs.get(inode) ?? null,
    layerPath: path,
    entries: null,
  };
}
