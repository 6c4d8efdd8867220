import {closeSync, constants, openSync, write, writeSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {hasErrno} from '../errors.ts';
import {loadSocketCalls} from '../host/socket-calls.ts';
import type {TerminalSize} from '../host/terminal-size.ts';
import type {ConmonInput} from './conmon-input.ts';

/** In the bundle's directory. */
export const ATTACH_SOCKET = 'attach';
const CONTROL_FIFO = 'ctl';
const RESIZE = 1;
/** Conmon refuses more. */
const MOST_CHARACTERS = 1000;
/** Conmon reads 32 KiB of a packet, and drops the rest. */
const PACKET_BYTES = 16 * 1024;
/** What there is to say when conmon has ended, or is about to. */
const ENDED = ['EPIPE', 'ECONNRESET', 'ENOTCONN', 'ESHUTDOWN'] as const;
const ABSENT = ['ENOENT', 'ECONNREFUSED', 'ENXIO'] as const;

const writeAsync = promisify(write) as unknown as (fd: number, bytes: Uint8Array) => Promise<number>;

/**
 * Connects to the keyboard of a container's terminal. What it shows is not asked for: conmon would wait for a reader that is
 * slow, and with it the container.
 */
export function openTerminalInput(bundle: string): ConmonInput | null {
  const calls = loadSocketCalls();
  const fd = unlessEnded(() => calls.connectPackets(bundle, ATTACH_SOCKET), ABSENT);
  if (fd === null) return null;
  unlessEnded(() => calls.shutdown(fd, 'read'), ENDED);
  let pending: Promise<boolean> = Promise.resolve(true);
  return {
    write: (bytes) => {
      pending = writePackets(fd, bytes);
      return pending;
    },
    end: async () => {},
    close: async () => {
      // Ends a write that waits.
      unlessEnded(() => calls.shutdown(fd, 'both'), ENDED);
      await pending;
      closeSync(fd);
    },
  };
}

/** Tells the terminal of a container its size. */
export function resizeTerminal(bundle: string, {columns, rows}: TerminalSize): void {
  const [width, height] = [columns, rows].map((count) => Math.min(count, MOST_CHARACTERS));
  const open = () => openSync(join(bundle, CONTROL_FIFO), constants.O_WRONLY | constants.O_NONBLOCK);
  const fd = unlessEnded(open, ABSENT);
  if (fd === null) return;
  try {
    unlessEnded(() => writeSync(fd, `${RESIZE} ${height} ${width}\n`), [...ENDED, 'EAGAIN']);
  } finally {
    closeSync(fd);
  }
}

async function writePackets(fd: number, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    try {
      await writeAsync(fd, bytes.subarray(at, at + PACKET_BYTES));
    } catch (error) {
      if (hasErrno(error, ...ENDED)) return false;
      throw error;
    }
  }
  return true;
}

function unlessEnded<T>(work: () => T, codes: readonly string[]): T | null {
  try {
    return work();
  } catch (error) {
    if (hasErrno(error, ...codes)) return null;
    throw error;
  }
}
