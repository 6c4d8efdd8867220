import {readdirSync, readFileSync} from 'node:fs';

/** A look at the memory of a running process and everything below it. */
export interface MemoryWatch {
  /** Ends the watch; the most resident memory that was seen, in bytes. */
  stop(): number;
}

/** Short enough to see the end of what lasts a second; too short to leave on while times are taken. */
const INTERVAL_MS = 10;

/**
 * Watches a process tree.
 *
 * The result is the largest sum over the tree at one moment, and at least the kernel's own high-water mark of any one
 * process in it. Pages that two processes share count twice.
 */
export function watchMemory(pid: number): MemoryWatch {
  let peak = 0;
  const look = () => {
    const usages = treeOf(pid).map(readUsage);
    const resident = usages.reduce((sum, usage) => sum + usage.resident, 0);
    peak = Math.max(peak, resident, ...usages.map(({highest}) => highest));
  };
  const timer = setInterval(look, INTERVAL_MS);
  look();
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

/** The process and its descendants; what ends meanwhile is left out. */
function treeOf(pid: number): readonly number[] {
  return [pid, ...readChildren(pid).flatMap(treeOf)];
}

function readChildren(pid: number): readonly number[] {
  const tasks = unlessGone(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return tasks.flatMap((task) => {
    const children = unlessGone(() => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')) ?? '';
    return children.trim().split(' ').filter(Boolean).map(Number);
  });
}

function readUsage(pid: number): {readonly resident: number; readonly highest: number} {
  const status = unlessGone(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  const bytes = (key: string) => Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return {resident: bytes('VmRSS'), highest: bytes('VmHWM')};
}

/** Processes end between two looks, and kernels may lack `children`. */
function unlessGone<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
