import type {ByteString} from './byte-string.ts';
import type {FileKind} from './file-tree.ts';
import type {Xattrs} from './xattr-policy.ts';

/** What a file of a rootfs gets, in a form that travels to a thread. */
export interface PlannedFile {
  readonly name: ByteString;
  readonly kind: FileKind;
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly size: number;
  /** Which of the plan's layer files has its content; and where, in bytes. */
  readonly layer: number;
  readonly offset: number;
  readonly linkTarget: ByteString | null;
  readonly device: number;
  readonly xattrs: Xattrs | null;
}

export interface PlannedDirectory {
  readonly self: PlannedFile;
  readonly files: readonly PlannedFile[];
  readonly directories: readonly PlannedDirectory[];
  /** Whether something is put into it, or below it, later: it gets its attributes after that. */
  readonly isHeld: boolean;
}

/** From the directory above the root on. */
export type Path = readonly ByteString[];

/** What one thread writes into a directory that is there. */
export interface RootfsPart {
  readonly path: Path;
  readonly files: readonly PlannedFile[];
  readonly directories: readonly PlannedDirectory[];
}

export interface PlannedLink {
  readonly path: Path;
  readonly target: Path;
}

export interface RootfsPlan {
  /** The layer files that content comes from. */
  readonly layerPaths: readonly string[];
  /** The directories that several parts write into, alone. */
  readonly trunk: PlannedDirectory;
  /** Disjoint, so that they can be written side by side once the trunk is there; made as they are taken, once. */
  readonly parts: IteratorObject<RootfsPart>;
  readonly partCount: number;
  /** Further names of files that the parts write. */
  readonly links: readonly PlannedLink[];
  /** The directories that get their attributes at the very end. */
  readonly held: PlannedDirectory;
  readonly entries: number;
  /** Of content. */
  readonly bytes: number;
}
