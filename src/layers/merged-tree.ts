import {BLOCK_BYTES, FileType, HEAD_BYTES, INODE_BYTES, InodeField} from './erofs-format.ts';
import type {FileNode} from './file-tree.ts';
import {
  addDirectory,
  addFile,
  addInode,
  addSymlink,
  createInodeTable,
  describeInode,
  type InodeId,
  type InodeTable,
  ROOT,
} from './inode-table.ts';
import {createNameTable, type NameTable} from './name-table.ts';
import type {LayerTree} from './tree.ts';

interface Merging {
  readonly inodes: InodeTable;
  readonly names: NameTable;
  /** The block at which each layer file begins, by its path. */
  readonly firstBlocks: ReadonlyMap<string, number>;
  /** By layer file and inode there: names of one number are hard links. */
  readonly known: Map<string, Map<number, InodeId>>;
}

/**
 * The tree of an image's files, as if all of it were one layer, whose content lies where the layer files have it.
 *
 * @param firstBlocks Where each layer file begins among the blocks of the file system, by its path.
 */
export function mergeTree(root: FileNode, firstBlocks: ReadonlyMap<string, number>): LayerTree {
  const merging = {inodes: createInodeTable(), names: createNameTable(), firstBlocks, known: new Map()};
  describe(merging, ROOT, root);
  addEntries(merging, ROOT, root);
  const {inodes, names} = merging;
  return {inodes, names, entries: inodes.count, warnings: []};
}

function addEntries(merging: Merging, directory: InodeId, {entries}: FileNode): void {
  for (const [name, node] of entries ?? []) {
    const inode = node.kind === 'directory' ? addDirectory(merging.inodes, directory) : findOrAdd(merging, node);
    merging.names.set(directory, name, inode);
    if (node.kind !== 'directory') continue;
    describe(merging, inode, node);
    addEntries(merging, inode, node);
  }
}

function findOrAdd(merging: Merging, node: FileNode): InodeId {
  const ofLayer = merging.known.get(node.layerPath) ?? new Map<number, InodeId>();
  merging.known.set(node.layerPath, ofLayer);
  const known = ofLayer.get(node.inode);
  if (known !== undefined) return known;
  const inode = addNode(merging, node);
  ofLayer.set(node.inode, inode);
  describe(merging, inode, node);
  return inode;
}

function addNode({inodes, firstBlocks}: Merging, {kind, size, contentOffset, layerPath, ...node}: FileNode): InodeId {
  if (kind === 'symlink') return addSymlink(inodes, node.linkTarget ?? '');
  if (kind === 'file') {
    const start = (firstBlocks.get(layerPath) ?? 0) * BLOCK_BYTES;
    return addFile(inodes, {size, dataOffset: start + contentOffset - HEAD_BYTES});
  }
  const inode = addInode(inodes, FileType[kind]);
  inodes.records.writeUInt32LE(node.device, inode * INODE_BYTES + InodeField.address);
  return inode;
}

const describe = ({inodes}: Merging, inode: InodeId, node: FileNode): void =>
  describeInode(inodes, inode, {entry: node, xattrs: node.xattrs});
