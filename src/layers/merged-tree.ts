import {FileType} from './erofs-format.ts';
import type {InodeNumber} from './erofs-reader.ts';
import type {FileNode} from './file-tree.ts';
import {addDirectory, addInode, createInodeTable, describeInode, type InodeId, ROOT} from './inode-table.ts';
import {isOfOneLayer} from './layered-files.ts';
import {createNameTable} from './name-table.ts';
import type {LayerTree} from './tree.ts';

export interface MergedTree {
  /** Directories, with the names of what is carried over. */
  readonly tree: LayerTree;
  /** What stands for inodes of layers: by the layer file's path, and the number there. */
  readonly carried: ReadonlyMap<string, ReadonlyMap<InodeNumber, InodeId>>;
}

interface Merging extends MergedTree {
  readonly wholePaths: ReadonlySet<string>;
  readonly carried: Map<string, Map<InodeNumber, InodeId>>;
}

/**
 * The tree of an image's files, of `openLayeredFiles`, as far as it has to be made anew: the root, and directories that
 * several layers have. All else is named and carried over from the layer that has it.
 *
 * @param wholePaths The layer files whose directories can be carried over.
 */
export function mergeTree(root: FileNode, wholePaths: ReadonlySet<string>): MergedTree {
  const tree = {inodes: createInodeTable(), names: createNameTable(), entries: 0, warnings: []};
  const merging = {tree, wholePaths, carried: new Map()};
  describeInode(tree.inodes, ROOT, {entry: root, xattrs: root.xattrs});
  addEntries(merging, ROOT, root);
  return merging;
}

function addEntries(merging: Merging, directory: InodeId, {entries}: FileNode): void {
  const {inodes, names} = merging.tree;
  for (const [name, node] of entries ?? []) {
    if (node.kind !== 'directory') {
      names.set(
        directory,
        name,
        carry(merging, node, () => addInode(inodes, FileType[node.kind])),
      );
    } else if (isOfOneLayer(node) && merging.wholePaths.has(node.layerPath)) {
      names.set(
        directory,
        name,
        carry(merging, node, () => addDirectory(inodes, directory)),
      );
    } else {
      const inode = addDirectory(inodes, directory);
      names.set(directory, name, inode);
      describeInode(inodes, inode, {entry: node, xattrs: node.xattrs});
      addEntries(merging, inode, node);
    }
  }
}

/** Names of one number are hard links. */
function carry({carried}: Merging, {layerPath, inode: number}: FileNode, add: () => InodeId): InodeId {
  const ofLayer = carried.get(layerPath) ?? new Map<InodeNumber, InodeId>();
  carried.set(layerPath, ofLayer);
  const known = ofLayer.get(number);
  if (known !== undefined) return known;
  const inode = add();
  ofLayer.set(number, inode);
  return inode;
}
