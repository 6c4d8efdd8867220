import type {ByteString} from './byte-string.ts';
import {BLOCK_BYTES, FILE_TYPE_MASK, FileType, INODE_BYTES, InodeField} from './erofs-format.ts';
import {type InodeId, type InodeTable, inodeType, ROOT, WHITEOUT} from './inode-table.ts';
import type {LayerTree} from './tree.ts';
import type {Xattrs} from './xattr-policy.ts';

export type FileKind = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo';

/** What a name of an image stands for. Nodes never change: layers that leave a directory alone share it. */
export interface FileNode {
  readonly kind: FileKind;
  /** The lower 12 bits of the mode. */
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** In its layer file: names of one number there are hard links. */
  readonly inode: number;
  /** Bytes of content; 0 for anything but a file. */
  readonly size: number;
  /** Where in its layer file the content of a file lies, in bytes. */
  readonly contentOffset: number;
  /** Of symlinks. */
  readonly linkTarget: ByteString | null;
  /** Of devices, as the kernel packs it; else 0. */
  readonly device: number;
  readonly xattrs: Xattrs | null;
  /** The path of the layer file that has it. */
  readonly layerPath: string;
  /** Of directories. */
  readonly entries: ReadonlyMap<ByteString, FileNode> | null;
}

/** The root of an image without layers. */
export const EMPTY_ROOT: FileNode = Object.freeze({
  ...{kind: 'directory', permissions: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, inode: 0, size: 0},
  ...{contentOffset: 0, linkTarget: null, device: 0, xattrs: null, layerPath: '', entries: null},
} as const);

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

const KINDS: Readonly<Record<number, FileKind>> = Object.freeze({
  [FileType.file]: 'file',
  [FileType.directory]: 'directory',
  [FileType.symlink]: 'symlink',
  [FileType.character]: 'character',
  [FileType.block]: 'block',
  [FileType.fifo]: 'fifo',
});
const PERMISSIONS = 0o7777;

function readNode({tree: {inodes}, path}: LayerOnTop, inode: InodeId): FileNode {
  const {records} = inodes;
  const at = inode * INODE_BYTES;
  const kind = kindOf(inodes, inode);
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

/** The kind of file that an inode's mode stands for; null for none. */
export const kindOfMode = (mode: number): FileKind | null => KINDS[mode & FILE_TYPE_MASK] ?? null;

function kindOf(inodes: InodeTable, inode: InodeId): FileKind {
  const kind = kindOfMode(inodeType(inodes, inode));
  if (!kind) throw new Error(`inode ${inode} has no known type`);
  return kind;
}
