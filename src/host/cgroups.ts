import {existsSync, readFileSync, rmdirSync} from 'node:fs';
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

/** Reads which hierarchies are mounted, from the calling thread's view (proc(5) mountinfo). */
export const readCgroups = (): Cgroups => parseCgroups(readFileSync('/proc/thread-self/mountinfo', 'utf8'));

/** As {@link readCgroups}, from the text of a mountinfo file. */
export function parseCgroups(mountInfo: string): Cgroups {
  const controllers = new Map<string, string>();
  let unified: string | null = null;
  for (const line of mountInfo.split('\n')) {
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

/** The processes of a cgroup in any hierarchy, as this process's pid namespace counts them. */
export function listCgroupProcesses(cgroups: Cgroups, path: string): readonly number[] {
  const texts = mountPointsOf(cgroups).map((mountPoint) => readOrEmpty(join(mountPoint, path, 'cgroup.procs')));
  // A process of another pid namespace is listed as 0.
  return [...new Set(texts.flatMap((text) => text.split('\n')).map(Number))].filter((pid) => pid > 0);
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

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // ENODEV: the cgroup went while its file was being read.
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ENODEV')) return '';
    throw error;
  }
}
