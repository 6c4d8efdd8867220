import {loadKoffi} from './load-koffi.ts';
import {createCheck} from './system-error.ts';

/**
 * System calls that write one component below an open directory. No symlink is followed, and names are bytes.
 *
 * A tree may be deeper than a path may be long, and no path leads out of a directory that nobody else can enter.
 */
export interface TreeCalls {
  /** openat(2) with O_NOFOLLOW and O_CLOEXEC; returns a file descriptor. */
  open(directoryFd: number, name: Buffer, flags: number, mode?: number): number;
  /** close(2), for what `open` has opened: a worker thread of Node's warns of descriptors that it does not know. */
  close(fd: number): void;
  makeDirectory(directoryFd: number, name: Buffer, mode: number): void;
  /** mknodat(2). `mode` has the type of the file, `device` is packed as the kernel has it. */
  makeNode(directoryFd: number, name: Buffer, mode: number, device: number): void;
  makeSymlink(directoryFd: number, name: Buffer, target: Buffer): void;
  /** linkat(2). `existing` may lead through directories below `fromFd`. */
  link(fromFd: number, existing: Buffer, directoryFd: number, name: Buffer): void;
  changeOwner(directoryFd: number, name: Buffer, uid: number, gid: number): void;
  /** Of anything but a symlink: of what became one meanwhile as well. */
  changeMode(directoryFd: number, name: Buffer, mode: number): void;
  setAttribute(directoryFd: number, name: Buffer, attribute: {readonly name: Buffer; readonly value: Buffer}): void;
  /** The time of the last access becomes the same. */
  setTime(directoryFd: number, name: Buffer, seconds: bigint, nanoseconds: number): void;
  /** As `setTime`, of an open file: nothing is looked up. */
  setOpenTime(fd: number, seconds: bigint, nanoseconds: number): void;
  /**
   * From now on nothing is taken from the modes of what the calling thread makes, and of no other thread's; false where
   * that is not allowed (seccomp). Not for the main thread, which has the process's own mask.
   */
  leaveMask(): boolean;
}

const AT_SYMLINK_NOFOLLOW = 0x100;
const O_NOFOLLOW = 0o400000;
const O_CLOEXEC = 0o2000000;
const SYS_FCHMODAT2 = 452;
const TIMESPEC_BYTES = 16;
const CLONE_FS = 0x200;
const END = Buffer.alloc(1);

/** Loads libc through koffi, as `loadSyscalls` does. @throws Node-style system errors from each call that fails */
export function loadTreeCalls(): TreeCalls {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const openat = libc.func('int openat(int, const uint8_t*, int, unsigned int)');
  const close = libc.func('int close(int)');
  const mkdirat = libc.func('int mkdirat(int, const uint8_t*, unsigned int)');
  const mknodat = libc.func('int mknodat(int, const uint8_t*, unsigned int, unsigned long)');
  const symlinkat = libc.func('int symlinkat(const uint8_t*, int, const uint8_t*)');
  const linkat = libc.func('int linkat(int, const uint8_t*, int, const uint8_t*, int)');
  const fchownat = libc.func('int fchownat(int, const uint8_t*, unsigned int, unsigned int, int)');
  const changeMode = loadChangeMode(libc);
  const lsetxattr = libc.func('int lsetxattr(const uint8_t*, const uint8_t*, const uint8_t*, size_t, int)');
  const utimensat = libc.func('int utimensat(int, const uint8_t*, const uint8_t*, int)');
  const futimens = libc.func('int futimens(int, const uint8_t*)');
  const unshare = libc.func('int unshare(int)');
  const umask = libc.func('unsigned int umask(unsigned int)');
  const check = createCheck(koffi);
  return Object.freeze({
    open: (fd, name, flags, mode = 0) =>
      check(openat(fd, ended(name), flags | O_NOFOLLOW | O_CLOEXEC, mode), 'openat', name),
    close: (fd) => void check(close(fd), 'close', END),
    makeDirectory: (fd, name, mode) => void check(mkdirat(fd, ended(name), mode), 'mkdirat', name),
    makeNode: (fd, name, mode, device) => void check(mknodat(fd, ended(name), mode, device), 'mknodat', name),
    makeSymlink: (fd, name, target) => void check(symlinkat(ended(target), fd, ended(name)), 'symlinkat', name),
    link: (from, existing, fd, name) =>
      void check(linkat(from, ended(existing), fd, ended(name), 0), 'linkat', existing),
    changeOwner: (fd, name, uid, gid) =>
      void check(fchownat(fd, ended(name), uid, gid, AT_SYMLINK_NOFOLLOW), 'fchownat', name),
    changeMode: (fd, name, mode) => void check(changeMode(fd, ended(name), mode), 'fchmodat', name),
    setAttribute: (fd, name, {name: attribute, value}) => {
      // There is no call for an attribute below a directory before Linux 6.13.
      const path = Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
      check(lsetxattr(ended(path), ended(attribute), value, value.length, 0), 'lsetxattr', attribute);
    },
    setTime: (fd, name, seconds, nanoseconds) =>
      void check(utimensat(fd, ended(name), bothTimes(seconds, nanoseconds), AT_SYMLINK_NOFOLLOW), 'utimensat', name),
    setOpenTime: (fd, seconds, nanoseconds) =>
      void check(futimens(fd, bothTimes(seconds, nanoseconds)), 'futimens', END),
    leaveMask: () => {
      if (unshare(CLONE_FS) < 0) return false;
      umask(0);
      return true;
    },
  } satisfies TreeCalls);
}

/** fchmodat2(2), for which libc stands in before Linux 6.6. */
function loadChangeMode(
  libc: ReturnType<typeof import('koffi').load>,
): (fd: number, name: Buffer, mode: number) => number {
  const fchmodat2 = libc.func('long syscall(long, int, const uint8_t*, unsigned int, int)');
  const fchmodat = libc.func('int fchmodat(int, const uint8_t*, unsigned int, int)');
  return (fd, name, mode) =>
    fchmodat2(SYS_FCHMODAT2, fd, name, mode, AT_SYMLINK_NOFOLLOW) === 0
      ? 0
      : fchmodat(fd, name, mode, AT_SYMLINK_NOFOLLOW);
}

const ended = (text: Buffer): Buffer => Buffer.concat([text, END]);

function bothTimes(seconds: bigint, nanoseconds: number): Buffer {
  const times = Buffer.alloc(2 * TIMESPEC_BYTES);
  for (const at of [0, TIMESPEC_BYTES]) {
    times.writeBigInt64LE(BigInt.asIntN(64, seconds), at);
    times.writeBigInt64LE(BigInt(nanoseconds), at + 8);
  }
  return times;
}
