import type {ByteString} from './byte-string.ts';

export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** One entry of a tar, with its extended headers applied and its numbers in range. */
export interface TarEntry {
  /** As written in the tar. */
  readonly path: ByteString;
  readonly type: TarEntryType;
  /** Of links, as written; else empty. */
  readonly linkPath: ByteString;
  /** The lower 12 bits: permissions, set-user-id, set-group-id, sticky. */
  readonly permissions: number;
  /** Below 2^32 − 1. */
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, 0 to 2^33. */
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Bytes of content; 0 for anything but a file. */
  readonly size: number;
  /** Where the content begins, in bytes from the start of the tar; a multiple of 512. */
  readonly dataOffset: number;
  /** Of devices; else 0. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** By full name; null for none. */
  readonly xattrs: ReadonlyMap<ByteString, ByteString> | null;
}
