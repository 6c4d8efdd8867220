import {readdirSync, statSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {readProcess} from './process-details.ts';

/**
 * A process, all that have come from it, and all that are in its pid namespace, unless this process is there as well.
 *
 * @see pid_namespaces(7)
 */
export function listFamily(first: number): readonly number[] {
  const parents = new Map(listPids().map((pid) => [pid, readProcess(pid)?.parentPid ?? 0]));
  const namespace = namespaceOf(first);
  const isForeign = namespace !== null && namespace !== namespaceOf(process.pid);
  return [...parents.keys()].filter(
    (pid) => descendsFrom(first, pid, parents) || (isForeign && namespaceOf(pid) === namespace),
  );
}

/** The processes that a process has started and that have not been taken from it. */
export const listChildren = (parent: number): readonly number[] =>
  listPids().filter((pid) => readProcess(pid)?.parentPid === parent);

const listPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function descendsFrom(first: number, pid: number, parents: ReadonlyMap<number, number>): boolean {
  // A number that was given anew meanwhile could lead in a circle.
  const seen = new Set<number>();
  for (let at = pid; at > 0 && !seen.has(at); at = parents.get(at) ?? 0) {
    if (at === first) return true;
    seen.add(at);
  }
  return false;
}

/** Null: it has ended, or is somebody else's. */
function namespaceOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}/ns/pid`).ino;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return null;
    throw error;
  }
}
