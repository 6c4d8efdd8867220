import {isWinchError} from '../errors.ts';
import type {CleanupStack} from '../host/cleanup.ts';
import {detachMounts, performMounts} from '../host/mounts.ts';
import type {Syscalls} from '../host/syscalls.ts';
import type {Rootfs, RootfsRequest} from '../snapshots/snapshotter.ts';
import type {PreparedLayers} from './prepare-layers.ts';

export interface RootfsMounting {
  readonly syscalls: Syscalls;
  readonly cleanup: CleanupStack;
  readonly prepared: PreparedLayers;
}

/** Memory takes the writes where the store's disk cannot: it is an overlay itself (in a container), or FUSE, or NFS. */
export function mountRootfs(mounting: RootfsMounting, request: Omit<RootfsRequest, 'layers'>): Rootfs {
  const {syscalls, cleanup, prepared} = mounting;
  const rootfs = prepared.snapshotter.prepare({...request, layers: prepared.layers});
  const detach = () => detachMounts(syscalls, rootfs.mounts);
  try {
    performMounts(syscalls, rootfs.mounts);
  } catch (error) {
    detach();
    if (request.writable.type !== 'directory' || !isWinchError(error, 'UPPER_UNSUPPORTED')) throw error;
    return mountRootfs(mounting, {...request, writable: {type: 'memory'}});
  }
  cleanup.add(detach);
  return rootfs;
}
