import {closeSync, openSync} from 'node:fs';
import {release} from 'node:os';
import {hasErrno} from '../errors.ts';
import {isKernelAtLeast} from './kernel-release.ts';
import {attachLoopDevice} from './loop-device.ts';
import {MountFlag, type Syscalls} from './syscalls.ts';
import {isMachinesRoot} from './user-namespace.ts';

export interface ErofsMount {
  /** A file. */
  readonly source: string;
  readonly target: string;
  /** Other files in which its blocks lie, in the order of their slots; absent: none. */
  readonly devices?: readonly string[];
}

const FILE_DEVICES_KERNEL = '6.12';
/** Relative to this directory an open file has the shortest of names: all options have to fit into a page. */
const OPEN_FILES = '/proc/self/fd';

/** Whether the kernel can take files for the devices of a file system, and this process have them mounted. */
export const canMountDevices = (kernel: string = release()): boolean =>
  isKernelAtLeast(kernel, FILE_DEVICES_KERNEL) && isMachinesRoot();

/**
 * Mounts a file with the erofs driver of the kernel, read-only. With devices the working directory of the calling thread
 * is `/` afterwards.
 *
 * @throws a Node system error: `ENOTBLK` before Linux 6.12 where there are devices
 */
export function mountErofs(syscalls: Syscalls, {source, target, devices = []}: ErofsMount): void {
  if (devices.length > 0) mountWithDevices(syscalls, {source, target, devices});
  else mountAlone(syscalls, source, target);
}

function mountAlone(syscalls: Syscalls, source: string, target: string): void {
  try {
    syscalls.mount(source, target, 'erofs', MountFlag.readOnly, null);
  } catch (error) {
    // Kernels before 6.12 want a block device, and later ones do for a file on a tmpfs.
    if (!hasErrno(error, 'ENOTBLK')) throw error;
    using device = attachLoopDevice(syscalls, source);
    syscalls.mount(device.path, target, 'erofs', MountFlag.readOnly, null);
  }
}

function mountWithDevices(syscalls: Syscalls, {source, target, devices}: Required<ErofsMount>): void {
  const open: number[] = [];
  try {
    for (const path of devices) open.push(openSync(path, 'r'));
    syscalls.changeDirectory(OPEN_FILES);
    syscalls.mount(source, target, 'erofs', MountFlag.readOnly, open.map((fd) => `device=${fd}`).join(','));
  } finally {
    syscalls.changeDirectory('/');
    for (const fd of open) closeSync(fd);
  }
}
