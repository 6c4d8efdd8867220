import type {BigIntStats} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {keepXattrs} from './xattr-policy.ts';

const PERMISSIONS = 0o7777n;
const SECOND = 1_000_000_000n;
const VANISHED = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ESTALE', 'EINVAL'] as const;

/** What a tar says of a file of this machine. */
export function attributesOf({mode, uid, gid, mtimeNs}: BigIntStats, xattrs: ReadonlyMap<string, string> | null) {
  // No header has a time before 1970.
  const time = mtimeNs < 0n ? 0n : mtimeNs;
  return {
    permissions: Number(mode & PERMISSIONS),
    uid: Number(uid),
    gid: Number(gid),
    mtimeSeconds: Number(time / SECOND),
    mtimeNanoseconds: Number(time % SECOND),
    xattrs: keepXattrs(xattrs, () => {}),
  };
}

/** What a look at a file finds; null when it went since its directory was read, or became something else. */
export function unlessVanished<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (hasErrno(error, ...VANISHED)) return null;
    throw error;
  }
}
