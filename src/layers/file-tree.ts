import type {ByteString} from './byte-string.ts';
import {FILE_TYPE_MASK, FileType} from './erofs-format.ts';
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

const KINDS: Readonly<Record<number, FileKind>> = Object.freeze({
  [FileType.file]: 'file',
  [FileType.directory]: 'directory',
  [FileType.symlink]: 'symlink',
  [FileType.character]: 'character',
  [FileType.block]: 'block',
  [FileType.fifo]: 'fifo',
});

/** The kind of file that an inode's mode stands for; null for none. */
export const kindOfMode = (mode: number): FileKind | null => KINDS[mode & FILE_TYPE_MASK] ?? null;
