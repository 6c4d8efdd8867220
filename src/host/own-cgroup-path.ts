import {readFileSync} from 'node:fs';
import {join} from 'node:path';

/**
 * The cgroup of this process, as a path below the mount point of each hierarchy: the deepest that it is in, where the
 * others are that one or above it.
 *
 * @returns null: its places lie apart, or outside of what is mounted here.
 */
export const readOwnCgroupPath = (): string | null =>
  locateOwnCgroup(readFileSync('/proc/self/cgroup', 'utf8'), readFileSync('/proc/thread-self/mountinfo', 'utf8'));

/**
 * As {@link readOwnCgroupPath}, from the texts of the files.
 *
 * @see cgroups(7) on /proc/PID/cgroup; proc(5) on mountinfo
 */
export function locateOwnCgroup(memberships: string, mountInfo: string): string | null {
  // Where no hierarchy is mounted, nothing is made.
  const places = readPlaces(memberships, mountInfo).map(({path}) => path);
  const deepest = places.reduce((deep, place) => ((place?.length ?? 0) > (deep?.length ?? 0) ? place : deep), '/');
  const isAbove = (place: string | null) => place !== null && deepest !== null && placeBelow(place, deepest) !== null;
  return places.every(isAbove) ? deepest : null;
}

/**
 * The file of this process's own cgroup that lists its processes, in any hierarchy, from the texts of the files.
 *
 * @returns null: it is in none of those that are mounted here.
 */
export function locateOwnProcesses(memberships: string, mountInfo: string): string | null {
  for (const {mountPoint, path} of readPlaces(memberships, mountInfo)) {
    if (path !== null) return join(mountPoint, path, 'cgroup.procs');
  }
  return null;
}

interface Place {
  readonly mountPoint: string;
  /** Below the mount point; null: it lies outside of what is mounted there. */
  readonly path: string | null;
}

/** Of each hierarchy that is mounted here. */
function readPlaces(memberships: string, mountInfo: string): readonly Place[] {
  const mounts = readMounts(mountInfo);
  return memberships
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line) ?? [])
    .flatMap(([, names = '', path = '']) => {
      const mount = mounts.get(names.split(',')[0] ?? '');
      return mount ? [{mountPoint: mount.mountPoint, path: placeBelow(mount.root, path)}] : [];
    });
}

/** What a container has mounted begins at its own cgroup. */
function placeBelow(root: string, path: string): string | null {
  if (path.split('/').includes('..')) return null;
  if (root === '/' || path === root) return root === path ? '/' : path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : null;
}

interface CgroupMount {
  /** The cgroup that is seen there. */
  readonly root: string;
  readonly mountPoint: string;
}

/** Where each hierarchy is mounted, by the first name of a controller; that of v2 has none. */
function readMounts(mountInfo: string): ReadonlyMap<string, CgroupMount> {
  const mounts = new Map<string, CgroupMount>();
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    const [, , , root = '', mountPoint = ''] = before.split(' ');
    if (type === 'cgroup2') mounts.set('', {root, mountPoint});
    if (type === 'cgroup') for (const name of options.split(',')) mounts.set(name, {root, mountPoint});
  }
  return mounts;
}
