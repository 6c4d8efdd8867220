import {statSync} from 'node:fs';
import type {MountPoint} from '../host/mount-points.ts';
import type {RuntimeSpec} from '../oci/runtime-spec.ts';

const MODE = /^mode=[0-7]{1,4}$/;
const OPEN_TO_ALL = 0o1777;

/**
 * The places that a runtime configuration's mounts need in the rootfs, parents first. A bind mount of a file needs a
 * file, everything else a directory.
 *
 * Synchronous: it must see the mounts of the calling thread.
 *
 * @throws a system error when the source of a bind mount is missing.
 */
export const listMountPoints = ({mounts}: RuntimeSpec): readonly MountPoint[] =>
  mounts.map(({destination, type, source, options}) => ({
    path: destination,
    kind: type === 'bind' && !statSync(source).isDirectory() ? 'file' : 'directory',
    ...(type === 'tmpfs' && modeOf(options)),
  }));

/** Of a file system in memory; the kernel's own is 1777 (tmpfs(5)). */
function modeOf(options: readonly string[] = []): Pick<MountPoint, 'mode' | 'hasToHaveMode'> {
  const asked = options.findLast((option) => MODE.test(option));
  if (asked === undefined) return {mode: OPEN_TO_ALL};
  return {mode: Number.parseInt(asked.slice('mode='.length), 8), hasToHaveMode: true};
}
