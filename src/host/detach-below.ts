import {readFileSync, realpathSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {loadSyscalls, UnmountFlag} from './syscalls.ts';

/** Of /proc/PID/mountinfo (proc(5)). */
const MOUNT_POINT_FIELD = 4;

/** Detaches what is mounted below a directory in the namespace of the calling thread, of which others must not depend. */
export function detachBelow(path: string): void {
  const directory = realPathOf(path);
  if (directory === null) return;
  const lines = readFileSync('/proc/thread-self/mountinfo', 'utf8').split('\n');
  const points = lines
    .map((line) => unescapePath(line.split(' ')[MOUNT_POINT_FIELD] ?? ''))
    .filter((point) => point.startsWith(`${directory}/`));
  if (points.length === 0) return;
  const syscalls = loadSyscalls();
  for (const point of points.toReversed()) {
    try {
      syscalls.unmount(point, UnmountFlag.detach);
    } catch (error) {
      // It went with one above it.
      if (!hasErrno(error, 'EINVAL', 'ENOENT')) throw error;
    }
  }
}

/** As the kernel lists it; null where there is none. */
function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

/** Blanks, tabs, newlines and backslashes are octal. */
const unescapePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
