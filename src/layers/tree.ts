import type {ByteString} from './byte-string.ts';
import {PATH_LIMIT_BYTES, splitPath} from './entry-path.ts';
import {FileType} from './erofs-format.ts';
import {createHardLinks, type HardLinks} from './hard-links.ts';
import {
  addDevice,
  addDirectory,
  addFile,
  addInode,
  addSymlink,
  createInodeTable,
  describeInode,
  type InodeId,
  type InodeTable,
  inodeType,
  ROOT,
  WHITEOUT,
} from './inode-table.ts';
import {createNameTable, type NameTable, NO_INODE} from './name-table.ts';
import {entryRefusal} from './refusal.ts';
import {resolveDirectory} from './resolve.ts';
import type {TarEntry} from './tar-entry.ts';
import {createWarnings, type Warnings} from './warnings.ts';
import {nameMeaning} from './whiteout.ts';
import {keepXattrs} from './xattr-policy.ts';

/** What a layer looks like once all its entries are in place. */
export interface LayerTree {
  readonly inodes: InodeTable;
  readonly names: NameTable;
  /** Entries added. */
  readonly entries: number;
  readonly warnings: readonly string[];
}

export interface TreeBuilder {
  /** @throws {WinchError} `TAR_PATH` | `TAR_LINK` | `TAR_LIMIT` | `WHITEOUT_INVALID` */
  add(entry: TarEntry): void;
  /** Settles hard links that came before their target. @throws {WinchError} `TAR_LINK` */
  finish(): LayerTree;
}

interface Builder {
  readonly inodes: InodeTable;
  readonly names: NameTable;
  readonly hardLinks: HardLinks;
  readonly warnings: Warnings;
}

/**
 * Builds the tree of a layer in memory, in the order of its entries: the last of equal names wins, a directory over a
 * directory keeps what is in it. Nothing outside that tree is ever looked at or named.
 *
 * Whiteouts and opaque markers count for lower layers only, wherever in the layer they stand: what the same layer adds
 * stays (image-spec v1.1.1 layer.md#whiteouts).
 */
export function createTreeBuilder(): TreeBuilder {
  const inodes = createInodeTable();
  const names = createNameTable();
  const builder = {inodes, names, hardLinks: createHardLinks(inodes, names), warnings: createWarnings()};
  let entries = 0;
  return {
    add: (entry) => {
      entries++;
      addEntry(builder, entry);
    },
    finish: () => {
      builder.hardLinks.settle();
      return {inodes, names, entries, warnings: builder.warnings.list()};
    },
  };
}

function addEntry(builder: Builder, entry: TarEntry): void {
  const parts = splitPath(entry.path, entry.path);
  if (parts.includes('..')) throw entryRefusal('TAR_PATH', entry.path, 'points outside the image');
  const meaning = nameMeaning(parts, entry.path);
  if (meaning.kind === 'ignored') return;
  const name = parts.at(-1);
  if (name === undefined) {
    if (entry.type !== 'directory') throw entryRefusal('TAR_PATH', entry.path, 'would replace the root directory');
    describe(builder, ROOT, entry);
    return;
  }
  const parent = openParent(builder, parts.slice(0, -1), entry.path);
  if (meaning.kind === 'opaque') builder.inodes.opaque.add(parent);
  else if (meaning.kind === 'whiteout') addWhiteout(builder, parent, meaning.name);
  else addNode(builder, {parent, name, entry});
}

interface NewNode {
  readonly parent: InodeId;
  readonly name: ByteString;
  readonly entry: TarEntry;
}

function addNode(builder: Builder, {parent, name, entry}: NewNode): void {
  const {inodes, names, hardLinks} = builder;
  if (entry.type === 'directory') {
    const existing = names.get(parent, name);
    const isKept = existing !== NO_INODE && inodeType(inodes, existing) === FileType.directory;
    describe(builder, isKept ? existing : putDirectory(builder, parent, name), entry);
  } else if (entry.type === 'hardlink') {
    hardLinks.add(parent, name, entry);
  } else if (entry.type === 'character' && entry.deviceMajor === 0 && entry.deviceMinor === 0) {
    // In an overlay that device is a whiteout whatever the tar meant by it.
    addWhiteout(builder, parent, name);
  } else {
    const inode = createLeaf(inodes, entry);
    describe(builder, inode, entry);
    names.set(parent, name, inode);
  }
}

function createLeaf(inodes: InodeTable, entry: TarEntry): InodeId {
  const {path, type, linkPath} = entry;
  if (type === 'file') return addFile(inodes, entry);
  if (type === 'fifo') return addInode(inodes, FileType.fifo);
  if (type !== 'symlink') return addDevice(inodes, entry);
  if (linkPath === '') throw entryRefusal('TAR_LINK', path, 'is a symlink without a target');
  if (linkPath.length >= PATH_LIMIT_BYTES) throw entryRefusal('TAR_LIMIT', path, 'is a symlink with too long a target');
  return addSymlink(inodes, linkPath);
}

function addWhiteout({inodes, names}: Builder, parent: InodeId, name: ByteString): void {
  const existing = names.get(parent, name);
  if (existing === NO_INODE) names.set(parent, name, WHITEOUT);
  else if (inodeType(inodes, existing) === FileType.directory) inodes.opaque.add(existing);
}

/** A directory where the layer also has a whiteout starts empty: it must not show what lower layers have in it. */
function putDirectory({inodes, names}: Builder, parent: InodeId, name: ByteString): InodeId {
  const isHidden = names.get(parent, name) === WHITEOUT;
  const directory = addDirectory(inodes, parent);
  names.set(parent, name, directory);
  if (isHidden) inodes.opaque.add(directory);
  return directory;
}

function openParent(builder: Builder, parts: readonly ByteString[], path: ByteString): InodeId {
  const {inodes, names, warnings} = builder;
  const onMissing = (parent: InodeId, name: ByteString, existing: InodeId) => {
    if (existing !== NO_INODE && existing !== WHITEOUT) {
      warnings.add('files of the layer that have entries below them were replaced by directories');
    }
    return putDirectory(builder, parent, name);
  };
  return resolveDirectory(parts, {inodes, names, path, onMissing});
}

const describe = ({inodes, warnings}: Builder, inode: InodeId, entry: TarEntry) =>
  describeInode(inodes, inode, {entry, xattrs: keepXattrs(entry.xattrs, warnings.add)});
