import type {ByteString} from './byte-string.ts';
import {BLOCK_BYTES, FileType, HEAD_BYTES, INODE_BYTES, InodeField, readUInt64} from './erofs-format.ts';
import type {DecodedInode} from './erofs-reader.ts';
import {kindOfMode} from './file-tree.ts';
import {type InodeId, inodeType, ROOT, WHITEOUT} from './inode-table.ts';
import type {LayerIndex} from './layer-index.ts';
import {NO_INODE} from './name-table.ts';
import type {LayerTree} from './tree.ts';

const PERMISSIONS = 0o7777;

/**
 * A tree in memory as the index of a layer, as if a layer file of it had been written. Its files lie where their entries
 * said, from the start of the tar on.
 *
 * @param layerPath What stands for the layer file in its nodes.
 */
export function indexTree(tree: LayerTree, layerPath: string): LayerIndex {
  const {inodes, names} = tree;
  return {
    root: ROOT,
    inode: (id) => readInode(tree, id, layerPath),
    find: (directory, name) => {
      const id = names.get(directory, name);
      return id === NO_INODE ? null : id;
    },
    list: (directory) => names.list(directory).map(({name, inode}) => ({name, number: inode})),
    isImplied: (path) => inodes.implied.has(directoryAt(tree, path)),
  };
}

function readInode({inodes}: LayerTree, id: InodeId, layerPath: string): DecodedInode {
  const {records, targets, xattrs, opaque} = inodes;
  const at = id * INODE_BYTES;
  const view = new DataView(records.buffer, records.byteOffset + at, INODE_BYTES);
  const mode = view.getUint16(InodeField.mode, true);
  const kind = kindOfMode(mode);
  if (kind === null) throw new TypeError(`inode ${id} has no type`);
  const [isFile, isDevice] = [kind === 'file', kind === 'character' || kind === 'block'];
  const address = view.getUint32(InodeField.address, true);
  const size = isFile ? readUInt64(view, InodeField.size) : 0;
  const node = {
    kind,
    permissions: mode & PERMISSIONS,
    uid: view.getUint32(InodeField.uid, true),
    gid: view.getUint32(InodeField.gid, true),
    mtimeSeconds: readUInt64(view, InodeField.mtimeSeconds),
    mtimeNanoseconds: view.getUint32(InodeField.mtimeNanoseconds, true),
    inode: id,
    size,
    contentOffset: size > 0 ? address * BLOCK_BYTES - HEAD_BYTES : 0,
    linkTarget: targets.get(id) ?? null,
    device: isDevice ? address : 0,
    xattrs: xattrs.get(id) ?? null,
    layerPath,
    entries: null,
  };
  return {node, isOpaque: opaque.has(id), isWhiteout: id === WHITEOUT};
}

/** The directory of a path without a leading slash, or no inode. */
function directoryAt({inodes, names}: LayerTree, path: ByteString): InodeId {
  let current = ROOT;
  for (const name of path === '' ? [] : path.split('/')) {
    current = names.get(current, name);
    if (current === NO_INODE || inodeType(inodes, current) !== FileType.directory) return NO_INODE;
  }
  return current;
}
