import {existsSync, readdirSync, readFileSync, rmdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';

/** The cgroup file systems of this machine. */
export interface Cgroups {
  /** `hybrid`: controllers on v1, with a v2 tree beside them for names only. */
  readonly version: 'v1' | 'v2' | 'hybrid';
  /** Mount point of each v1 controller (`memory`, `cpu` …). */
  readonly controllers: ReadonlyMap<string, string>;
  /** Mount point of the v2 tree; null without one. */
  readonly unified: string | null;
}

/** Its name in its parent, and its own `.`. */
const NLINK_OF_LEAF = 2;

/** Reads which hierarchies are mounted, from the calling thread's view (proc(5) mountinfo). */
export const readCgroups = (): Cgroups => parseCgroups(readFileSync('/proc/thread-self/mountinfo', 'utf8'));

/** As {@link readCgroups}, from the text of a mountinfo file. */
export function parseCgroups(mountInfo: string): Cgroups {
  const controllers = new Map<string, string>();
  let unified: string | null = null;
  for (const line of mountInfo.split('\n')) {
    // Where many containers run there are hundreds of other mounts.
    if (!line.includes(' - cgroup')) continue;
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    const mountPoint = before.split(' ')[4] ?? '';
    if (type === 'cgroup2') unified ??= mountPoint;
    if (type === 'cgroup') for (const name of options.split(',')) controllers.set(name, mountPoint);
  }
  const version = controllers.has('memory') || controllers.has('pids') ? (unified ? 'hybrid' : 'v1') : 'v2';
  return {version, controllers, unified};
}

/** How many processes of a cgroup the kernel has killed for want of memory. */
export function countOutOfMemoryKills(cgroups: Cgroups, path: string): number {
  const [mountPoint, file] =
    cgroups.version === 'v2'
      ? [cgroups.unified, 'memory.events']
      : [cgroups.controllers.get('memory'), 'memory.oom_control'];
  const text = mountPoint ? readOrEmpty(join(mountPoint, path, file)) : '';
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/**
 * The processes of a cgroup and of those below it, in any hierarchy, as this process's pid namespace counts them. A
 * container that may write to its cgroup makes others in it: systemd does, and so do engines.
 */
export function listCgroupProcesses(cgroups: Cgroups, path: string): readonly number[] {
  const pids = mountPointsOf(cgroups).flatMap((mountPoint) => listBelow(join(mountPoint, path)));
  // A process of another pid namespace is listed as 0.
  return [...new Set(pids)].filter((pid) => pid > 0);
}

/** Whether there is a cgroup of this path in any hierarchy. */
export const hasCgroup = (cgroups: Cgroups, path: string): boolean =>
  mountPointsOf(cgroups).some((mountPoint) => existsSync(join(mountPoint, path)));

/** Removes an empty cgroup from every hierarchy. */
export function removeCgroup(cgroups: Cgroups, path: string): void {
  for (const mountPoint of mountPointsOf(cgroups)) {
    try {
      rmdirSync(join(mountPoint, path));
    } catch (error) {
      // Busy: a process that was just killed is still on its way out; the next command tries again.
      if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'EBUSY', 'EROFS', 'EACCES', 'EPERM')) throw error;
    }
  }
}

/** One for each hierarchy. */
export const mountPointsOf = ({controllers, unified}: Cgroups): readonly string[] => [
  ...new Set([...controllers.values(), ...(unified ? [unified] : [])]),
];

const listBelow = (directory: string): readonly number[] => [
  ...listMembers(directory),
  ...listChildren(directory).flatMap(listBelow),
];

function listMembers(directory: string): readonly number[] {
  try {
    return numbersOf(readOrEmpty(join(directory, 'cgroup.procs')));
  } catch (error) {
    // Where threads are counted, those of one process may be in several cgroups.
    if (!hasErrno(error, 'ENOTSUP', 'EOPNOTSUPP')) throw error;
    return numbersOf(readOrEmpty(join(directory, 'cgroup.threads'))).map(processOf);
  }
}

const numbersOf = (text: string): readonly number[] => text.split('\n').map(Number);

const processOf = (thread: number): number =>
  Number(/^Tgid:\s*(\d+)$/m.exec(readOrEmpty(`/proc/${thread}/status`))?.[1] ?? 0);

function listChildren(directory: string): readonly string[] {
  // Most have none, and their number is known without a look at all their files.
  if (statSync(directory, {throwIfNoEntry: false})?.nlink === NLINK_OF_LEAF) return [];
  try {
    const entries = readdirSync(directory, {withFileTypes: true});
    return entries.filter((entry) => entry.isDirectory()).map(({name}) => join(directory, name));
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ENODEV')) return [];
    throw error;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // ENODEV: the cgroup went while its file was being read.
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ENODEV', 'ESRCH')) return '';
    throw error;
  }
}
