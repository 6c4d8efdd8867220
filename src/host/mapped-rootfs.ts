import {chmodSync, existsSync, mkdirSync, rmSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import type {OverlayDirectories} from './fuse-overlay.ts';
import {mountMapped, remountMapped} from './mapped-mounts.ts';
import {type MountStep, performMounts} from './mounts.ts';
import {storageError} from './storage-error.ts';
import {type Syscalls, UnmountFlag} from './syscalls.ts';

/**
 * Where root file systems of user namespaces are mounted, each in a mount namespace that nothing else mounts there in: who
 * is root of such a namespace cannot pass the directories of the machine's root on the way to other places.
 */
export const MAPPED_ROOTFS = '/run/winch-rootfs';

export interface RootfsToMap {
  /** Where it is mounted, or, with no mounts, lies. */
  readonly path: string;
  /** What was carried out for it. */
  readonly mounts: readonly MountStep[];
  /** As of `MappedMount`. */
  readonly namespaceFd: number;
}

/**
 * Mounts a root file system again, with owners as a user namespace has them. What has been written to it stays, and is on
 * disk as it was; nobody may have it open.
 *
 * @param target {@link MAPPED_ROOTFS}, or a place of its own.
 * @throws {WinchError} `NAMESPACE_UNSUPPORTED`: a file system of it cannot do that · as `performMounts`
 */
export function mapRootfs(syscalls: Syscalls, {path, mounts, namespaceFd}: RootfsToMap, target: string): void {
  makePlace(target);
  const overlay = findMounted(mounts);
  try {
    if (overlay === null) {
      mountMapped({source: path, target, namespaceFd});
      return;
    }
    syscalls.unmount(overlay.target, UnmountFlag.detach);
    remountMapped(syscalls, overlay.base, namespaceFd);
    if (overlay.upper) remountMapped(syscalls, join(overlay.base, dirname(overlay.upper.directory)), namespaceFd);
  } catch (error) {
    if (!hasErrno(error, 'EINVAL', 'ENOSYS', 'EPERM', 'EOPNOTSUPP')) throw error;
    throw unsupported(error);
  }
  performMounts(syscalls, [...renewWork(overlay), {...overlay, type: 'overlay', target}]);
}

function makePlace(target: string): void {
  try {
    if (mkdirSync(target, {recursive: true, mode: 0o711}) !== undefined) chmodSync(target, 0o711);
  } catch (error) {
    throw storageError(error, target);
  }
}

/** The overlay that is mounted, of several that there are steps for; null: none is. */
function findMounted(mounts: readonly MountStep[]): OverlayDirectories | null {
  for (const step of mounts) {
    if (step.type === 'fuse-overlayfs') throw unsupported();
    if (step.type === 'overlay') return step;
    if (step.type === 'either') return findMounted(isCarriedOut(step.first) ? step.first : step.second);
  }
  return null;
}

const isCarriedOut = (steps: readonly MountStep[]): boolean =>
  steps.every((step) => step.type !== 'erofs' || (existsSync(step.target) && isMountPoint(step.target)));

const isMountPoint = (path: string): boolean => statSync(path).dev !== statSync(dirname(path)).dev;

/** The kernel takes no upper directory again that was mounted without syncs, which it notes below the other one. */
function renewWork({base, upper}: OverlayDirectories): readonly MountStep[] {
  if (upper === null) return [];
  const path = join(base, upper.work);
  rmSync(path, {recursive: true, force: true});
  return [{type: 'directory', path, mode: 0o700}];
}

const unsupported = (cause?: unknown): WinchError =>
  new WinchError('NAMESPACE_UNSUPPORTED', 'the owners of these files cannot be mapped for a user namespace here', {
    kind: 'unsupported',
    hint: 'this takes Linux 5.19, the erofs, overlay or copy driver, and a store on ext4, xfs or btrfs',
    cause,
  });
