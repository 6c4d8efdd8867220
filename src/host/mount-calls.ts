import {loadKoffi} from './load-koffi.ts';
import {createCheck} from './system-error.ts';

/** System calls about mounts that are mounted nowhere, each known by a descriptor; closed, it is forgotten. */
export interface MountCalls {
  /** open_tree(2) with OPEN_TREE_CLONE: the same files, of a path or of an open place. `isWhole`: and what is mounted below. */
  cloneTree(place: string | number, isWhole: boolean): number;
  /** mount_setattr(2) with MOUNT_ATTR_IDMAP, of all that is mounted below as well: owners are as a user namespace has them. */
  mapOwners(fd: number, namespaceFd: number): void;
  /** move_mount(2) */
  moveMount(fd: number, target: string): void;
}

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

/** Loads libc through koffi, as `loadSyscalls` does. @throws Node-style system errors from each call that fails */
export function loadMountCalls(): MountCalls {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const openTree = libc.func('long syscall(long, int, const char*, unsigned int)');
  const setAttributes = libc.func('long syscall(long, int, const char*, unsigned int, void*, size_t)');
  const moveMount = libc.func('long syscall(long, int, const char*, int, const char*, unsigned int)');
  const check = createCheck(koffi);
  return {
    cloneTree: (place, isWhole) => {
      const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (isWhole ? AT_RECURSIVE : 0);
      const [fd, path] = typeof place === 'number' ? ([place, ''] as const) : ([AT_FDCWD, place] as const);
      return check(Number(openTree(SYS_OPEN_TREE, fd, path, flags)), 'open_tree', path);
    },
    mapOwners: (fd, namespaceFd) => {
      const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
      attributes.writeBigUInt64LE(MOUNT_ATTR_IDMAP, 0);
      attributes.writeBigUInt64LE(BigInt(namespaceFd), 24);
      const flags = AT_EMPTY_PATH | AT_RECURSIVE;
      const result = setAttributes(SYS_MOUNT_SETATTR, fd, '', flags, attributes, ATTRIBUTE_BYTES);
      check(Number(result), 'mount_setattr', '');
    },
    moveMount: (fd, target) => {
      const result = moveMount(SYS_MOVE_MOUNT, fd, '', AT_FDCWD, target, MOVE_MOUNT_EMPTY_PATH);
      check(Number(result), 'move_mount', target);
    },
  } satisfies MountCalls;
}
