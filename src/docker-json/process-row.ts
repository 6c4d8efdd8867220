import type {ProcessDetails} from '../host/process-details.ts';

export const PROCESS_COLUMNS = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'] as const;

const DAY_MS = 86_400_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A process as `ps -ef` lists it, its user by number: names are the container's own. */
export const toProcessRow = (
  {pid, parentPid, userId, startedAt, cpuSeconds, terminal, command}: ProcessDetails,
  now: Date,
): Readonly<Record<(typeof PROCESS_COLUMNS)[number], string>> => ({
  UID: String(userId),
  PID: String(pid),
  PPID: String(parentPid),
  C: String(Math.round((cpuSeconds / Math.max(1, (now.getTime() - Date.parse(startedAt)) / 1000)) * 100)),
  STIME: startOf(new Date(startedAt), now),
  TTY: terminal ?? '?',
  TIME: clockOf(cpuSeconds),
  CMD: command.join(' '),
});

function startOf(start: Date, now: Date): string {
  if (now.getTime() - start.getTime() < DAY_MS) return `${two(start.getHours())}:${two(start.getMinutes())}`;
  return `${MONTHS[start.getMonth()]}${two(start.getDate())}`;
}

const clockOf = (seconds: number): string =>
  [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => two(Math.floor(part))).join(':');

const two = (value: number): string => String(value).padStart(2, '0');
