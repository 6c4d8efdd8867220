import {readdirSync, type Stats, statSync} from 'node:fs';
import {posix} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {RuntimeDevice} from '../oci/runtime-spec.ts';

/** Mounts of the host that say nothing to a container, and the terminal that the runtime sets up itself. */
const NOT_LISTED: readonly string[] = ['/dev/pts', '/dev/shm', '/dev/fd', '/dev/mqueue', '/dev/console'];

/**
 * The device at a path, or all below it when that is a directory; none when there is nothing else.
 *
 * Synchronous: it must see the mounts of the calling thread.
 */
export function devicesAt(path: string): readonly RuntimeDevice[] {
  try {
    const stats = statSync(path);
    return stats.isDirectory() ? listDevices(path) : describeDevice(path, stats);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

/** All devices below a directory. */
export function listDevices(directory: string): readonly RuntimeDevice[] {
  return readdirSync(directory, {withFileTypes: true}).flatMap((entry) => {
    const path = posix.join(directory, entry.name);
    const isListed = entry.isDirectory() || entry.isCharacterDevice() || entry.isBlockDevice();
    return isListed && !NOT_LISTED.includes(path) ? devicesAt(path) : [];
  });
}

function describeDevice(path: string, stats: Stats): readonly RuntimeDevice[] {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return [];
  const {major, minor} = splitDeviceNumber(stats.rdev);
  const fileMode = stats.mode & 0o7777;
  return [{path, type: stats.isBlockDevice() ? 'b' : 'c', major, minor, fileMode, uid: stats.uid, gid: stats.gid}];
}

/** glibc's encoding of dev_t: 12 low bits of the major number lie between two parts of the minor one. */
function splitDeviceNumber(rdev: number): {major: number; minor: number} {
  const bits = BigInt(rdev);
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xffff_f000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffff_ff00n)),
  };
}
