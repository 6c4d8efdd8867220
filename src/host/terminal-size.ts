import {hasErrno} from '../errors.ts';
import type {Syscalls} from './syscalls.ts';

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** ioctl_tty(2) */
const TIOCGWINSZ = 0x5413;
/** `struct winsize`: rows, columns, and two numbers that nobody uses. */
const WINSIZE_BYTES = 8;

/**
 * The size of the first of these open files that is a terminal; null when none is, or nobody has told it one.
 *
 * Node's streams know it as well, but make the terminal non-blocking, for the container too.
 */
export function readTerminalSize(syscalls: Pick<Syscalls, 'control'>, fds: readonly number[]): TerminalSize | null {
  const size = Buffer.alloc(WINSIZE_BYTES);
  const isTerminal = (fd: number): boolean => {
    try {
      return syscalls.control(fd, TIOCGWINSZ, size) === 0;
    } catch (error) {
      if (hasErrno(error, 'ENOTTY', 'EINVAL', 'EBADF', 'ENODEV', 'EOPNOTSUPP')) return false;
      throw error;
    }
  };
  if (!fds.some(isTerminal)) return null;
  const [rows, columns] = [size.readUInt16LE(0), size.readUInt16LE(2)];
  return rows > 0 && columns > 0 ? {rows, columns} : null;
}
