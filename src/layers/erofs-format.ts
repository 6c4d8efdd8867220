/**
 * Numbers of the EROFS on-disk format that a layer file uses (kernel fs/erofs/erofs_fs.h).
 *
 * The block size is the tar's own, so a file's content is where it lies in the tar. Linux mounts blocks smaller than a
 * page since 6.4.
 */
export const BLOCK_BYTES = 512;
export const BLOCK_BITS = 9;
/** The superblock lies at 1024; the tar follows the head. */
export const HEAD_BYTES = 4096;
/** Inode numbers count these from the start of the metadata. */
export const SLOT_BYTES = 32;
/** Of an extended inode, which has 32-bit owners and a time. */
export const INODE_BYTES = 64;
export const DIRENT_BYTES = 12;

/** Where the fields of an extended inode are. */
export const InodeField = Object.freeze({
  format: 0,
  xattrCount: 2,
  mode: 4,
  size: 8,
  /** The first block of the content, or the device number. */
  address: 16,
  number: 20,
  uid: 24,
  gid: 28,
  mtimeSeconds: 32,
  mtimeNanoseconds: 40,
  links: 44,
});

/** Where content lies: in blocks of its own, or right behind the inode. */
export const DataLayout = Object.freeze({flatPlain: 0, flatInline: 2});

/** The file type bits of st_mode. */
export const FileType = Object.freeze({
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
});

export const FILE_TYPE_MASK = 0o170000;

export const alignUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** A number below 2^53 from 64 bits. */
export const readUInt64 = (view: DataView, at: number): number =>
  view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

/** Writes a number below 2^53 in 64 bits. */
export function writeUInt64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
