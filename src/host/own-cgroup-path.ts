import {readFileSync} from 'node:fs';

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
  const roots = readRoots(mountInfo);
  const places = memberships
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line) ?? [])
    // Where no hierarchy is mounted, nothing is made.
    .flatMap(([, names = '', path = '']) => {
      const root = roots.get(names.split(',')[0] ?? '');
      return root === undefined ? [] : [placeBelow(root, path)];
    });
  const deepest = places.reduce((deep, place) => ((place?.length ?? 0) > (deep?.length ?? 0) ? place : deep), '/');
  const isAbove = (place: string | null) => place !== null && deepest !== null && placeBelow(place, deepest) !== null;
  return places.every(isAbove) ? deepest : null;
}

/** What a container has mounted begins at its own cgroup. */
function placeBelow(root: string, path: string): string | null {
  if (path.split('/').includes('..')) return null;
  if (root === '/' || path === root) return root === path ? '/' : path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : null;
}

/** Which cgroup each hierarchy is mounted from, by the first name of a controller; that of v2 has none. */
function readRoots(mountInfo: string): ReadonlyMap<string, string> {
  const roots = new Map<string, string>();
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    const root = before.split(' ')[3] ?? '';
    if (type === 'cgroup2') roots.set('', root);
    if (type === 'cgroup') for (const name of options.split(',')) roots.set(name, root);
  }
  return roots;
}
