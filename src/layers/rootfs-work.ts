import type {RootfsFinish} from './rootfs-parts.ts';
import type {RootfsPart} from './rootfs-plan.ts';

/** One thread's work on a rootfs. */
export interface RootfsWork {
  /** The open directory that the root is made in; threads share descriptors. */
  readonly outside: number;
  readonly layerPaths: readonly string[];
  readonly givesOwners: boolean;
  /** What this process makes belongs to root, or owners are not given at all. */
  readonly makesForRoot: boolean;
  /** By {@link Counter}, in memory that threads share. */
  readonly counters: BigInt64Array;
  readonly task: {readonly part: RootfsPart} | {readonly finish: RootfsFinish};
}

/** What all threads have done so far; and whether they should stop. */
export const Counter = Object.freeze({entries: 0, bytes: 1, isStopped: 2});
