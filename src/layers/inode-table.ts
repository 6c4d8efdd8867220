import type {ByteString} from './byte-string.ts';
import {
  BLOCK_BYTES,
  FILE_TYPE_MASK,
  FileType,
  HEAD_BYTES,
  INODE_BYTES,
  InodeField,
  writeUInt64,
} from './erofs-format.ts';
import type {TarEntry} from './tar-entry.ts';
import type {Xattrs} from './xattr-policy.ts';

/** The place of an inode in its table. */
export type InodeId = number;

/** The two inodes that every table starts with: the root directory, and the one behind every whiteout. */
export const ROOT: InodeId = 0;
export const WHITEOUT: InodeId = 1;

/**
 * The inodes of a layer in the form they have on disk.
 *
 * One Buffer instead of 10^5 objects: while megabytes of tar stream by, each of V8's many collections would mark every
 * object, which took a fifth of the time of a pull. What few inodes have stands in maps beside.
 */
export interface InodeTable {
  /** Extended EROFS inodes; layout, links and the address of payloads come later. */
  records: Buffer;
  count: number;
  /** Of symlinks: where they point, as written. */
  readonly targets: Map<InodeId, ByteString>;
  readonly xattrs: Map<InodeId, Xattrs>;
  /** Of directories: the directory above; the root's is itself. */
  readonly parents: Map<InodeId, InodeId>;
  /** Directories that hide what lower layers have below them. */
  readonly opaque: Set<InodeId>;
  /** Directories that no entry describes. */
  readonly implied: Set<InodeId>;
}

const FIRST_CAPACITY = 256;
const IMPLIED_PERMISSIONS = 0o755;
const SYMLINK_PERMISSIONS = 0o777;

/** A table with {@link ROOT} and {@link WHITEOUT}. */
export function createInodeTable(): InodeTable {
  const table: InodeTable = {
    records: Buffer.alloc(FIRST_CAPACITY * INODE_BYTES),
    count: 0,
    targets: new Map(),
    xattrs: new Map(),
    parents: new Map(),
    opaque: new Set(),
    implied: new Set(),
  };
  addDirectory(table, ROOT);
  addInode(table, FileType.character);
  return table;
}

/** Adds an inode without attributes; a character device is 0:0. */
export function addInode(table: InodeTable, type: number): InodeId {
  const id = table.count++;
  if (table.count * INODE_BYTES > table.records.length) {
    table.records = Buffer.concat([table.records], table.records.length * 2);
  }
  table.records.writeUInt16LE(type, id * INODE_BYTES + InodeField.mode);
  return id;
}

/** Adds a directory as one is that no entry describes: mode 0755, root's, from 1970. */
export function addDirectory(table: InodeTable, parent: InodeId): InodeId {
  const id = addInode(table, FileType.directory | IMPLIED_PERMISSIONS);
  table.parents.set(id, parent);
  table.implied.add(id);
  return id;
}

/** Adds a file whose content lies `dataOffset` bytes into the tar. */
export function addFile(table: InodeTable, {size, dataOffset}: Pick<TarEntry, 'size' | 'dataOffset'>): InodeId {
  const id = addInode(table, FileType.file);
  const at = id * INODE_BYTES;
  writeUInt64(table.records, size, at + InodeField.size);
  if (size > 0) table.records.writeUInt32LE((HEAD_BYTES + dataOffset) / BLOCK_BYTES, at + InodeField.address);
  return id;
}

/** Adds a device, its number packed as the kernel's new_encode_dev does. */
export function addDevice(table: InodeTable, {type, deviceMajor, deviceMinor}: TarEntry): InodeId {
  const id = addInode(table, type === 'block' ? FileType.block : FileType.character);
  const packed = (deviceMinor & 0xff) | (deviceMajor << 8) | ((deviceMinor & ~0xff) << 12);
  table.records.writeUInt32LE(packed >>> 0, id * INODE_BYTES + InodeField.address);
  return id;
}

export function addSymlink(table: InodeTable, target: ByteString): InodeId {
  const id = addInode(table, FileType.symlink);
  table.targets.set(id, target);
  return id;
}

type DescribedField = 'permissions' | 'uid' | 'gid' | 'mtimeSeconds' | 'mtimeNanoseconds';

/** Gives an inode the owner, time and permissions of its entry; Linux shows every symlink with all permissions. */
export function describeInode(
  table: InodeTable,
  id: InodeId,
  {entry, xattrs}: {entry: Pick<TarEntry, DescribedField>; xattrs: Xattrs | null},
) {
  const {records} = table;
  const at = id * INODE_BYTES;
  const type = inodeType(table, id);
  const permissions = type === FileType.symlink ? SYMLINK_PERMISSIONS : entry.permissions;
  records.writeUInt16LE(type | permissions, at + InodeField.mode);
  records.writeUInt32LE(entry.uid, at + InodeField.uid);
  records.writeUInt32LE(entry.gid, at + InodeField.gid);
  writeUInt64(records, entry.mtimeSeconds, at + InodeField.mtimeSeconds);
  records.writeUInt32LE(entry.mtimeNanoseconds, at + InodeField.mtimeNanoseconds);
  table.implied.delete(id);
  if (xattrs) table.xattrs.set(id, xattrs);
  else table.xattrs.delete(id);
}

/** One of {@link FileType}. */
export const inodeType = ({records}: InodeTable, id: InodeId): number =>
  records.readUInt16LE(id * INODE_BYTES + InodeField.mode) & FILE_TYPE_MASK;
