import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/** A process that cannot be taken for another one that has its pid later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between the start of the machine and that of the process. */
  readonly startTicks: number;
}

/** Of /proc/PID/stat, counted from behind the name of the program (proc(5)). */
const START_TIME_FIELD = 19;

/** The living process of this pid; null: there is none, or it has ended and its parent has not noticed. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  if (stat === '' || state === 'Z' || state === 'X') return null;
  return {pid, startTicks: Number(fields[START_TIME_FIELD])};
}

/** Whether this very process lives. */
export const isLiving = ({pid, startTicks}: ProcessIdentity): boolean =>
  identifyProcess(pid)?.startTicks === startTicks;

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return '';
    throw error;
  }
}
