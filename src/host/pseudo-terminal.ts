import {closeSync, constants, openSync, writeSync} from 'node:fs';
import type {Readable} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {ReadStream} from 'node:tty';
import {hasErrno} from '../errors.ts';
import {loadSyscalls} from './syscalls.ts';
import type {TerminalSize} from './terminal-size.ts';

/** A terminal of this process's own making, for a program that it starts. */
export interface PseudoTerminal {
  /** The program's end, for its standard streams. */
  readonly programEnd: number;
  /** What is shown. It is closed, without an end, when nobody has the program's end any more. */
  readonly screen: Readable;
  /** To be called when the program has its end, without which the screen would stay open. */
  closeProgramEnd(): void;
  /** Types. Resolves when the terminal has taken all of it. @returns false: nobody will read it */
  write(bytes: Uint8Array): Promise<boolean>;
  /** The program is not told: it has to get a SIGWINCH. */
  resize(size: TerminalSize): void;
  close(): void;
}

/** ioctl_tty(2) */
const TIOCSWINSZ = 0x5414;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
/** `struct winsize`: rows, columns, and two numbers that nobody uses. */
const WINSIZE_BYTES = 8;
const LARGEST_SIZE = 0xffff;
/** The terminal holds some KiB that its program has not read; then there is nothing to do but to come back. */
const FULL_PAUSE_MS = 10;

/**
 * Makes a terminal (pty(7)). A program that does not read what is typed keeps nobody but the writer waiting.
 *
 * @param size Null: as large as nobody has said.
 */
export function openPseudoTerminal(size: TerminalSize | null): PseudoTerminal {
  const {control} = loadSyscalls();
  const fd = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const programEnd = openProgramEnd(fd, control);
  const resize = (wanted: TerminalSize) => void control(fd, TIOCSWINSZ, winsize(wanted));
  if (size !== null) resize(size);
  const screen = new ReadStream(fd);
  // EIO is how the kernel says that the other end is closed.
  screen.on('error', () => {});
  let pending: Promise<boolean> = Promise.resolve(true);
  return {
    programEnd,
    screen,
    closeProgramEnd: () => closeSync(programEnd),
    write: (bytes) => {
      pending = pending.then(() => writeAll(fd, bytes, screen));
      return pending;
    },
    resize: (wanted) => {
      if (!screen.destroyed) resize(wanted);
    },
    close: () => void screen.destroy(),
  };
}

type Control = ReturnType<typeof loadSyscalls>['control'];

function openProgramEnd(fd: number, control: Control): number {
  const number = Buffer.alloc(4);
  try {
    control(fd, TIOCSPTLCK, number);
    control(fd, TIOCGPTN, number);
    return openSync(`/dev/pts/${number.readUInt32LE()}`, constants.O_RDWR | constants.O_NOCTTY);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function winsize({rows, columns}: TerminalSize): Buffer {
  const size = Buffer.alloc(WINSIZE_BYTES);
  size.writeUInt16LE(Math.min(rows, LARGEST_SIZE), 0);
  size.writeUInt16LE(Math.min(columns, LARGEST_SIZE), 2);
  return size;
}

/** It does not block, and at once: the number of a descriptor that is closed meanwhile may be that of another file. */
async function writeAll(fd: number, bytes: Uint8Array, screen: Readable): Promise<boolean> {
  for (let at = 0; at < bytes.length; ) {
    if (screen.destroyed) return false;
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (hasErrno(error, 'EIO')) return false;
      if (!hasErrno(error, 'EAGAIN')) throw error;
      await sleep(FULL_PAUSE_MS);
    }
  }
  return true;
}
