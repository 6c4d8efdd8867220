import {loadKoffi} from './load-koffi.ts';
import {createCheck} from './system-error.ts';

/** System calls that Node lacks. They act on the calling thread: namespaces and the working directory included. */
export interface Syscalls {
  /** mount(2). Flags are `MountFlag` values or-ed together. */
  mount(source: string, target: string, type: string | null, flags: number, data: string | null): void;
  /** umount2(2). */
  unmount(target: string, flags: number): void;
  /** unshare(2). With CLONE_NEWNS the calling thread and what it then spawns see a mount table of their own. */
  unshare(flags: number): void;
  /** setns(2): puts the calling thread into the namespace of an open `/proc/…/ns/…`, of the kind that a flag names. */
  setNamespace(fd: number, flag: number): void;
  /** chdir(2) of the calling thread alone, once it has left the mount namespace it was born in. */
  changeDirectory(path: string): void;
  /**
   * openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: `path` is resolved as if `rootFd` were `/`; symlinks and
   * `..` cannot leave it. Returns a file descriptor (O_CLOEXEC is added).
   */
  openInRoot(rootFd: number, path: string, flags: number, mode?: number): number;
  /** pipe2(2) with O_CLOEXEC: the descriptors of both ends. */
  makePipe(): {readonly readEnd: number; readonly writeEnd: number};
  /** ioctl(2) on an open device; returns what the call returns. */
  control(fd: number, request: number, argument: Buffer | null): number;
  /** utimensat(2): sets a modification time (nanoseconds since 1970), which Node's numbers are too coarse for. */
  setModificationTime(path: Buffer, nanoseconds: bigint): void;
  /** mkdirat(2): one component below an open directory. */
  makeDirectoryAt(directoryFd: number, name: string, mode: number): void;
  /** unlinkat(2): removes one component that is not a directory. */
  unlinkAt(directoryFd: number, name: string): void;
}

export const MountFlag = Object.freeze({
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  recursive: 16_384,
  private: 1 << 18,
});

export const UnmountFlag = Object.freeze({detach: 2});

export const CloneFlag = Object.freeze({newMountNamespace: 0x0002_0000, newNetworkNamespace: 0x4000_0000});

const SYS_OPENAT2 = 437;
const AT_FDCWD = -100;
const TIMESPEC_BYTES = 16;
const UTIME_OMIT = 2n ** 30n - 2n;
const SECOND = 1_000_000_000n;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;
/** Three 64-bit numbers, of which the upper halves are zero. */
const OPEN_HOW_BYTES = 24;
const EAGAIN = 11;
/** The kernel gives up on `..` when anything is renamed or mounted meanwhile, anywhere on the machine. */
const OPEN_ATTEMPTS = 1000;

/**
 * Loads libc through koffi, so only what mounts or opens below a rootfs pays for it.
 *
 * @throws a Node-style system error (`code`, `errno`, `syscall`, `path`) from each call that fails.
 */
export function loadSyscalls(): Syscalls {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const mount = libc.func('int mount(const char*, const char*, const char*, unsigned long, const char*)');
  const umount2 = libc.func('int umount2(const char*, int)');
  const unshare = libc.func('int unshare(int)');
  const setns = libc.func('int setns(int, int)');
  const chdir = libc.func('int chdir(const char*)');
  const openat2 = libc.func('long syscall(long, int, const char*, void*, size_t)');
  const ioctl = libc.func('int ioctl(int, unsigned long, void*)');
  const pipe2 = libc.func('int pipe2(void*, int)');
  const utimensat = libc.func('int utimensat(int, const uint8_t*, void*, int)');
  const mkdirat = libc.func('int mkdirat(int, const char*, unsigned int)');
  const unlinkat = libc.func('int unlinkat(int, const char*, int)');
  const check = createCheck(koffi);
  return Object.freeze({
    mount: (source, target, type, flags, data) =>
      void check(mount(source, target, type, flags, data), 'mount', `${source} on ${target}`),
    unmount: (target, flags) => void check(umount2(target, flags), 'umount2', target),
    changeDirectory: (path) => void check(chdir(path), 'chdir', path),
    setNamespace: (fd, flag) => void check(setns(fd, flag), 'setns', String(flag)),
    unshare: (flags) => void check(unshare(flags), 'unshare', String(flags)),
    openInRoot: (rootFd, path, flags, mode = 0) => {
      const how = Buffer.alloc(OPEN_HOW_BYTES);
      how.writeUInt32LE(flags | O_CLOEXEC, 0);
      how.writeUInt32LE(mode, 8);
      how.writeUInt32LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);
      for (let attempt = 1; ; attempt++) {
        const fd = Number(openat2(SYS_OPENAT2, rootFd, path, how, OPEN_HOW_BYTES));
        if (fd < 0 && koffi.errno() === EAGAIN && attempt < OPEN_ATTEMPTS) continue;
        return check(fd, 'openat2', path);
      }
    },
    makePipe: () => {
      const ends = Buffer.alloc(8);
      check(pipe2(ends, O_CLOEXEC), 'pipe2', '');
      return {readEnd: ends.readInt32LE(0), writeEnd: ends.readInt32LE(4)};
    },
    control: (fd, request, argument) => check(ioctl(fd, request, argument), 'ioctl', String(request)),
    setModificationTime: (path, nanoseconds) => {
      const name = Buffer.concat([path, Buffer.alloc(1)]);
      check(utimensat(AT_FDCWD, name, modificationTime(nanoseconds), 0), 'utimensat', path.toString());
    },
    makeDirectoryAt: (directoryFd, name, mode) => void check(mkdirat(directoryFd, name, mode), 'mkdirat', name),
    unlinkAt: (directoryFd, name) => void check(unlinkat(directoryFd, name, 0), 'unlinkat', name),
  } satisfies Syscalls);
}

/** Two timespecs: the access time stays. */
function modificationTime(nanoseconds: bigint): Buffer {
  const times = Buffer.alloc(TIMESPEC_BYTES * 2);
  times.writeBigInt64LE(UTIME_OMIT, 8);
  times.writeBigInt64LE(nanoseconds / SECOND, TIMESPEC_BYTES);
  times.writeBigInt64LE(nanoseconds % SECOND, TIMESPEC_BYTES + 8);
  return times;
}
