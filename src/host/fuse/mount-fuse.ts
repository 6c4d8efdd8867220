import {closeSync, constants, openSync} from 'node:fs';
import {hasErrno} from '../../errors.ts';
import {MountFlag, type Syscalls} from '../syscalls.ts';

/** An open `/dev/fuse`: a mount lives as long as somebody has it open. */
export interface FuseDevice extends Disposable {
  readonly fd: number;
}

const DEVICE = '/dev/fuse';
const ROOT_MODE = '40500';

/** Null: this machine has none, or this process may not use it. */
export function openFuseDevice(): FuseDevice | null {
  try {
    const fd = openSync(DEVICE, constants.O_RDWR);
    let isOpen = true;
    const close = () => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    };
    return {fd, [Symbol.dispose]: close};
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ENODEV', 'ENXIO')) return null;
    throw error;
  }
}

/**
 * Mounts what a process serves on a device that it has inherited, read-only. Others than root get nothing.
 *
 * @throws a Node system error
 */
export function mountFuse(syscalls: Syscalls, {fd}: FuseDevice, target: string): void {
  const flags = MountFlag.readOnly | MountFlag.noSuid | MountFlag.noDev | MountFlag.noExec;
  syscalls.mount('winch', target, 'fuse', flags, `fd=${fd},rootmode=${ROOT_MODE},user_id=0,group_id=0,allow_other`);
}
