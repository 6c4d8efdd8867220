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
export const identifyProcess = (pid: number): ProcessIdentity | null => parseProcessStat(readStat(pid));

/** The process that a copy of /proc/PID/stat tells of; null: it was not alive, or the copy is not whole. */
export function parseProcessStat(stat: string): ProcessIdentity | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  const startTicks = Number(fields[START_TIME_FIELD]);
  if (stat === '' || state === 'Z' || state === 'X' || !Number.isInteger(startTicks)) return null;
  return {pid: Number.parseInt(stat, 10), startTicks};
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
