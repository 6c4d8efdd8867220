import {readFileSync, statSync} from 'node:fs';
import {uptime} from 'node:os';
import {basename} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {ProcessFacts} from '../events.ts';
import {identifyProcess} from './process-identity.ts';

export interface LockedByte {
  /** Never opened: closing it would drop this process's own locks. */
  readonly path: string;
  readonly offset: number;
}

/** The first byte that readers and writers of an SQLite database lock (https://sqlite.org/src/file/src/os.h). */
export const SHARED_BYTE = 0x40000002;

/** `1: POSIX  ADVISORY  WRITE 1234 fe:01:131074 1073741826 1073742335`; a waiting one has `->` in front of POSIX. */
const LOCK_LINE = /^\d+: POSIX +\S+ +(READ|WRITE) (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) (\d+) (\d+|EOF)$/;
const TICKS_PER_SECOND = 100;
const ENTRY_POINTS = ['winch', 'winch.js', 'main.js', 'main.ts'];

/**
 * Which other process holds a POSIX lock on a byte, as the kernel tells: nothing is kept that could be out of date.
 *
 * For messages only. Null: nobody, this process, one in another pid namespace, or a file system that tells nothing.
 */
export function findLockHolder({path, offset}: LockedByte): ProcessFacts | null {
  const file = statSync(path, {bigint: true, throwIfNoEntry: false});
  if (!file) return null;
  const key = `${major(file.dev)}:${minor(file.dev)}:${file.ino}`;
  const pids = (readOrNull('/proc/locks') ?? '').split('\n').flatMap((line) => {
    const [, , pid, devMajor = '', devMinor = '', inode, start, end] = LOCK_LINE.exec(line) ?? [];
    const isOfFile = `${Number.parseInt(devMajor, 16)}:${Number.parseInt(devMinor, 16)}:${inode}` === key;
    const isOfByte = Number(start) <= offset && (end === 'EOF' || Number(end) >= offset);
    return isOfFile && isOfByte && Number(pid) > 0 ? [Number(pid)] : [];
  });
  const other = pids.find((pid) => pid !== process.pid);
  return other === undefined ? null : describeProcess(other);
}

/** As a part of a sentence: `pid 123 (winch pull, started 12 s ago)`. */
export const describeHolder = ({pid, command, runningSeconds}: ProcessFacts): string =>
  `pid ${pid} (${command}, started ${Math.round(runningSeconds)} s ago)`;

function describeProcess(pid: number): ProcessFacts | null {
  const [identity, cmdline] = [identifyProcess(pid), readOrNull(`/proc/${pid}/cmdline`)];
  if (identity === null || cmdline === null) return null;
  const runningSeconds = Math.max(0, uptime() - identity.startTicks / TICKS_PER_SECOND);
  return {pid, command: nameCommand(cmdline.split('\0')), runningSeconds};
}

/**
 * A word behind a flag may be that flag's value, a secret even, so the command is named only where it is sure to be one.
 */
function nameCommand(words: readonly string[]): string {
  const entry = words.findIndex((word) => ENTRY_POINTS.includes(basename(word)));
  if (entry < 0) return printable(basename(words[0] ?? ''));
  const next = words.slice(entry + 1).find((word) => !/^-[a-z]$/.test(word));
  return next !== undefined && /^[a-z]+$/.test(next) ? `winch ${next}` : 'winch';
}

const printable = (name: string): string => name.replace(/[^\w.+-]/g, '?').slice(0, 40) || 'unknown';

// As the C library takes device numbers apart (makedev(3)).
const major = (device: bigint): bigint => ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
const minor = (device: bigint): bigint => (device & 0xffn) | ((device >> 12n) & ~0xffn);

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return null;
    throw error;
  }
}
