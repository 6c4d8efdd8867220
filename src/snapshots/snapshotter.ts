import type {MountStep} from '../host/mounts.ts';
import type {DirectoryMarks} from '../host/restore-directories.ts';

/** Every driver, in the order in which they are tried. */
export const SNAPSHOTTERS = Object.freeze(['erofs', 'overlay', 'fuse-overlayfs', 'copy'] as const);
export type SnapshotterName = (typeof SNAPSHOTTERS)[number];

export const isSnapshotterName = (name: string): name is SnapshotterName =>
  SNAPSHOTTERS.some((known) => known === name);

/** A layer as a snapshot driver needs it. */
export interface SnapshotLayer {
  /** The layer file (`erofs`), the directory of the extracted layer (overlays), or the whole tree (`copy`). */
  readonly path: string;
  /** How many whiteouts it holds. */
  readonly whiteouts: number;
  readonly directories: DirectoryMarks;
}

export interface RootfsRequest {
  /** Base first. */
  readonly layers: readonly SnapshotLayer[];
  /** An existing directory of this container or bundle alone; mount points are made inside. */
  readonly directory: string;
  /** Where writes go: into an existing directory (one that is `lasting` is mounted again and again, and survives a power cut as far as programs ask for it), into memory (when the store is read-only), or nowhere. */
  readonly writable:
    | {readonly type: 'directory'; readonly path: string; readonly isLasting?: boolean}
    | {readonly type: 'memory'}
    | {readonly type: 'none'};
  /**
   * An existing directory where processes that serve mounts are noted, for mounts that outlive the calling thread; absent:
   * they end with it.
   */
  readonly servers?: string | undefined;
}

export interface Rootfs {
  readonly path: string;
  /** What to mount, in order; data, so that the caller decides in which namespace. */
  readonly mounts: readonly MountStep[];
}

/**
 * A driver that turns a chain of layers into a root file system.
 *
 * `prepare` is pure. Its mounts belong into a private mount namespace; nothing needs to be unmounted.
 */
export interface Snapshotter {
  readonly name: SnapshotterName;
  prepare(request: RootfsRequest): Rootfs;
}
