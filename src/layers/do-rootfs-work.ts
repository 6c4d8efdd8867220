import {loadTreeCalls} from '../host/tree-calls.ts';
import {openLayerContents} from './layer-contents.ts';
import type {RootfsWriting, SkippedMetadata} from './rootfs-entries.ts';
import {finishParts, writePart} from './rootfs-parts.ts';
import {Counter, type RootfsWork} from './rootfs-work.ts';

export interface RootfsThread {
  /** Its modes are taken as they are: `TreeCalls.leaveMask` was called. */
  readonly isWithoutMask?: boolean;
}

/**
 * Does a part of the work on a rootfs in the calling thread, and counts what could not be done as the image has it.
 *
 * @throws {WinchError} `STORE_CORRUPT` | a Node-style system error
 */
export function doRootfsWork(
  {outside, task, layerPaths, givesOwners, makesForRoot, counters}: RootfsWork,
  {isWithoutMask = false}: RootfsThread = {},
): SkippedMetadata {
  const skipped = {owners: 0, devices: 0, xattrs: 0};
  const count = (entries: bigint, bytes: number) => {
    if (Atomics.load(counters, Counter.isStopped) !== 0n) throw new Error('the rootfs is not wanted any more');
    Atomics.add(counters, Counter.entries, entries);
    Atomics.add(counters, Counter.bytes, BigInt(bytes));
  };
  using contents = openLayerContents(layerPaths, (bytes) => count(0n, bytes));
  const onWritten = () => count(1n, 0);
  const makesAsMeant = makesForRoot && isWithoutMask;
  const writing: RootfsWriting = {calls: loadTreeCalls(), contents, givesOwners, makesAsMeant, skipped, onWritten};
  if ('part' in task) writePart(writing, outside, task.part);
  else finishParts(writing, outside, task.finish);
  return skipped;
}
