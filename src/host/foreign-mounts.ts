import {closeSync, constants, openSync} from 'node:fs';
import {loadKoffi} from './load-koffi.ts';
import {loadMountCalls} from './mount-calls.ts';
import {CloneFlag, type Syscalls} from './syscalls.ts';
import {createCheck} from './system-error.ts';

const CLONE_FS = 0x200;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/** A place that somebody else has mounted. */
export interface ForeignPlace {
  /** The open mount namespace of whoever has it. */
  readonly namespaceFd: number;
  /** The place itself, opened without reading: it is not looked up again. */
  readonly placeFd: number;
}

/**
 * Takes a mount of another mount namespace, which the kernel gives to nobody outside of it: the calling thread goes there
 * and comes back, with the root and the working directory that it had.
 *
 * @returns a descriptor of the same files, mounted nowhere (Linux 5.2); `attachMount` mounts it, its end forgets it.
 * @throws a Node system error (`ENOSYS`, `EPERM`, `EINVAL` …)
 */
export function cloneForeignMount(syscalls: Syscalls, {namespaceFd, placeFd}: ForeignPlace): number {
  const [calls, mounts] = [loadRootCalls(), loadMountCalls()];
  const own = [openSync('/proc/thread-self/ns/mnt', 'r'), openSync('/', DIRECTORY), openSync('.', DIRECTORY)] as const;
  const [home, root, workingDirectory] = own;
  try {
    // A thread that shares its root with others may not change its namespace.
    syscalls.unshare(CLONE_FS);
    syscalls.setNamespace(namespaceFd, CloneFlag.newMountNamespace);
    try {
      return mounts.cloneTree(placeFd, false);
    } finally {
      syscalls.setNamespace(home, CloneFlag.newMountNamespace);
      calls.changeRoot(root);
      calls.changeDirectory(workingDirectory);
    }
  } finally {
    for (const fd of own) closeSync(fd);
  }
}

/** Mounts what `cloneForeignMount` has taken. @throws a Node system error */
export const attachMount = (fd: number, target: string): void => loadMountCalls().moveMount(fd, target);

function loadRootCalls() {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const fchdir = libc.func('int fchdir(int)');
  const chroot = libc.func('int chroot(const char*)');
  const check = createCheck(koffi);
  const changeDirectory = (fd: number) => void check(fchdir(fd), 'fchdir', '');
  return {
    changeDirectory,
    changeRoot: (fd: number): void => {
      changeDirectory(fd);
      check(chroot('.'), 'chroot', '.');
    },
  };
}
