import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/** A process as ps(1) shows it. */
export interface ProcessDetails {
  readonly pid: number;
  readonly parentPid: number;
  readonly userId: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Processor time that it has used. */
  readonly cpuSeconds: number;
  /** `pts/0`, `tty1`; null: none, or one of another kind. */
  readonly terminal: string | null;
  /** The words of its command line; the name of its program in brackets when that is empty. */
  readonly command: readonly string[];
}

/** USER_HZ, in which the kernel counts for all programs of the machines that winch knows. */
const TICKS_PER_SECOND = 100;
/** Of /proc/PID/stat, counted from behind the name of the program (proc_pid_stat(5)). */
const FIELDS = {parentPid: 1, terminal: 4, userTicks: 11, systemTicks: 12, startTicks: 19};
const PTS_MAJORS = {first: 136, last: 143};
const TTY_MAJOR = 4;

/** Null: there is no such process, or no more. */
export function readProcess(pid: number): ProcessDetails | null {
  const [stat, status, words] = ['stat', 'status', 'cmdline'].map((file) => readOrNull(`/proc/${pid}/${file}`));
  if (stat == null || status == null || words == null) return null;
  const end = stat.lastIndexOf(')');
  const name = stat.slice(stat.indexOf('(') + 1, end);
  const fields = stat.slice(end + 2).split(' ');
  const numberOf = (field: keyof typeof FIELDS) => Number(fields[FIELDS[field]]);
  return {
    pid,
    parentPid: numberOf('parentPid'),
    userId: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? 0),
    startedAt: new Date((readBootSeconds() + numberOf('startTicks') / TICKS_PER_SECOND) * 1000).toISOString(),
    cpuSeconds: (numberOf('userTicks') + numberOf('systemTicks')) / TICKS_PER_SECOND,
    terminal: nameTerminal(numberOf('terminal')),
    command: words === '' ? [`[${name}]`] : words.replace(/\0+$/, '').split('\0'),
  };
}

const readBootSeconds = (): number => Number(/^btime (\d+)$/m.exec(readOrNull('/proc/stat') ?? '')?.[1] ?? 0);

/** @see makedev(3) for how the kernel packs the two numbers of a device. */
function nameTerminal(device: number): string | null {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major === TTY_MAJOR) return `tty${minor}`;
  if (major < PTS_MAJORS.first || major > PTS_MAJORS.last) return null;
  return `pts/${minor + (major - PTS_MAJORS.first) * 256}`;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return null;
    throw error;
  }
}
