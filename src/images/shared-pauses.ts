import {mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {createHostPauses, type HostPauses} from '../registry/host-pauses.ts';

/** A pause that ends later than this was written under another clock. */
const LONGEST_PAUSE_MS = 60_000;
const NO_PLACE: readonly string[] = Object.freeze(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC']);

/**
 * Pauses that all processes of this machine share: one small file for each host, holding when its pause ends.
 *
 * Where the directory cannot be used, this process keeps to them alone.
 *
 * @param directory Volatile; made when it is first needed.
 * @param now Milliseconds since 1970.
 */
export function openSharedPauses(directory: string, now: () => number = Date.now): HostPauses {
  const own = createHostPauses(now);
  const pathOf = (host: string) => join(directory, `pause-${encodeURIComponent(host)}`);
  const remaining = (host: string): number => {
    const restMs = readEnd(pathOf(host)) - now();
    return Math.max(own.remaining(host), restMs <= LONGEST_PAUSE_MS ? restMs : 0, 0);
  };
  return {
    remaining,
    begin: (host, milliseconds) => {
      const restMs = remaining(host);
      own.begin(host, milliseconds);
      if (milliseconds > restMs) writeEnd(pathOf(host), {directory, end: now() + milliseconds});
      return restMs === 0 && milliseconds > 0;
    },
  };
}

function readEnd(path: string): number {
  try {
    const text = readFileSync(path, 'latin1');
    return /^\d{1,15}$/.test(text) ? Number(text) : 0;
  } catch (error) {
    if (hasErrno(error, ...NO_PLACE)) return 0;
    throw error;
  }
}

function writeEnd(path: string, {directory, end}: {readonly directory: string; readonly end: number}): void {
  const staging = `${path}.${process.pid}`;
  try {
    mkdirSync(directory, {recursive: true, mode: 0o700});
    writeFileSync(staging, String(Math.round(end)), {mode: 0o600});
    renameSync(staging, path);
  } catch (error) {
    if (!hasErrno(error, ...NO_PLACE)) throw error;
  }
}
