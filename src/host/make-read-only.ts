import {readFileSync} from 'node:fs';
import {mountIdOf} from './mount-id.ts';
import {parseMountOptions} from './mount-options.ts';
import {MountFlag, type Syscalls} from './syscalls.ts';

const OPTIONS_FIELD = 5;

/**
 * Makes the mount that an open file lies on read-only, in the namespace of the calling thread. What else it forbids stays:
 * in a user namespace nobody may take that away.
 */
export function makeReadOnly(syscalls: Syscalls, fd: number): void {
  const {flags} = parseMountOptions(optionsOf(fd));
  const wanted = flags | MountFlag.readOnly | MountFlag.bind | MountFlag.remount;
  syscalls.mount('none', `/proc/self/fd/${fd}`, null, wanted, null);
}

/** @see proc_pid_mountinfo(5) */
function optionsOf(fd: number): string {
  const id = mountIdOf(fd);
  const mounts = readFileSync('/proc/thread-self/mountinfo', 'utf8').split('\n');
  const mount = mounts.find((line) => line.startsWith(`${id} `));
  if (mount === undefined) throw new Error(`the mount ${id} of an open file is not listed`);
  return mount.split(' ')[OPTIONS_FIELD] ?? '';
}
