import {statSync} from 'node:fs';
import type {MountPoint} from '../host/mount-points.ts';
import type {RuntimeSpec} from '../oci/runtime-spec.ts';

/**
 * The places that a runtime configuration's mounts need in the rootfs, parents first. A bind mount of a file needs a
 * file, everything else a directory.
 *
 * Synchronous: it must see the mounts of the calling thread.
 *
 * @throws a system error when the source of a bind mount is missing.
 */
export const listMountPoints = ({mounts}: RuntimeSpec): readonly MountPoint[] =>
  mounts.map(({destination, type, source}) => ({
    path: destination,
    kind: type === 'bind' && !statSync(source).isDirectory() ? 'file' : 'directory',
  }));
