import {loadKoffi} from './load-koffi.ts';
import {type Syscalls, UnmountFlag} from './syscalls.ts';
import {createCheck} from './system-error.ts';

const SYS_OPEN_TREE = 428;
const SYS_MOVE_MOUNT = 429;
const SYS_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_EMPTY_PATH = 4;
const MOUNT_ATTR_IDMAP = 0x0010_0000n;
/** Of struct mount_attr: what is set, what is cleared, propagation, and the namespace. */
const ATTRIBUTE_BYTES = 32;

export interface MappedMount {
  /** A directory; with all that is mounted below it. */
  readonly source: string;
  readonly target: string;
  /** Of a user namespace, by whose ids the owners of the files are shown. */
  readonly namespaceFd: number;
}

/**
 * Mounts a tree once more, with owners as a user namespace has them: on disk, and at the source, they stay as they are.
 *
 * @throws a Node system error: `EINVAL` where a file system cannot do that, `ENOSYS` before Linux 5.12
 * @see mount_setattr(2), "ID-mapped mounts"
 */
export function mountMapped({source, target, namespaceFd}: MappedMount): void {
  const calls = loadCalls();
  const fd = calls.cloneTree(source);
  try {
    calls.mapOwners(fd, namespaceFd);
    calls.moveMount(fd, target);
  } finally {
    calls.close(fd);
  }
}

/** As `mountMapped`, in the place of what is mounted at a directory. */
export function remountMapped(syscalls: Syscalls, place: string, namespaceFd: number): void {
  const calls = loadCalls();
  const fd = calls.cloneTree(place);
  try {
    calls.mapOwners(fd, namespaceFd);
    syscalls.unmount(place, UnmountFlag.detach);
    calls.moveMount(fd, place);
  } finally {
    calls.close(fd);
  }
}

function loadCalls() {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const openTree = libc.func('long syscall(long, int, const char*, unsigned int)');
  const setAttributes = libc.func('long syscall(long, int, const char*, unsigned int, void*, size_t)');
  const moveMount = libc.func('long syscall(long, int, const char*, int, const char*, unsigned int)');
  const close = libc.func('int close(int)');
  const check = createCheck(koffi);
  return {
    cloneTree: (path: string): number => {
      const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
      return check(Number(openTree(SYS_OPEN_TREE, AT_FDCWD, path, flags)), 'open_tree', path);
    },
    mapOwners: (fd: number, namespaceFd: number): void => {
      const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
      attributes.writeBigUInt64LE(MOUNT_ATTR_IDMAP, 0);
      attributes.writeBigUInt64LE(BigInt(namespaceFd), 24);
      const flags = AT_EMPTY_PATH | AT_RECURSIVE;
      const result = setAttributes(SYS_MOUNT_SETATTR, fd, '', flags, attributes, ATTRIBUTE_BYTES);
      check(Number(result), 'mount_setattr', '');
    },
    moveMount: (fd: number, target: string): void => {
      const result = moveMount(SYS_MOVE_MOUNT, fd, '', AT_FDCWD, target, MOVE_MOUNT_EMPTY_PATH);
      check(Number(result), 'move_mount', target);
    },
    close: (fd: number): void => void check(close(fd), 'close', ''),
  };
}
