import {readdirSync, readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {hasErrno} from '../errors.ts';
import {thaw} from '../host/cgroup-freezer.ts';
import {listCgroupProcesses, readCgroups} from '../host/cgroups.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';

const FIRST_POLL_MS = 1;
const LONGEST_POLL_MS = 10;
/** A process that writes to a dead disk may take for ever to die. */
const LIMIT_MS = 2000;

interface Strays {
  /** Of the container. */
  readonly id: string;
  readonly cgroupPath: string;
  /** Whether the runtime may not have made the container yet: all processes of the machine are looked at for that. */
  readonly mayBeStarting: boolean;
}

/**
 * Ends what the runtime's own state need not know of a container whose winch is dead: the runtime's process that was
 * starting it, and all in its cgroup. Returns when they are gone, or after two seconds.
 */
export async function endStrays({id, cgroupPath, mayBeStarting}: Strays): Promise<void> {
  const cgroups = readCgroups();
  let end: number | null = null;
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 2, LONGEST_POLL_MS)) {
    // The runtime first: what it is about to start ends with it, or is in the cgroup by then.
    const starters = mayBeStarting ? findStarters(id) : [];
    // It leads a group in which its hooks are, unless it was given a terminal.
    for (const pid of starters) for (const target of [-pid, pid]) kill(target);
    const members = listCgroupProcesses(cgroups, cgroupPath);
    for (const pid of members) kill(pid);
    // What is paused dies when it goes on.
    if (members.length > 0) thaw(cgroups, cgroupPath);
    if (starters.length === 0 && members.length === 0) return;
    end ??= monotonicMs() + LIMIT_MS;
    if (monotonicMs() > end) return;
    await sleep(pause);
  }
}

/** Processes with `run … ID` or `create … ID` as their command line: of a random id there are no others. */
const findStarters = (id: string): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = readCommandLine(pid);
      return words.at(-1) === id && (words.includes('run') || words.includes('create'));
    })
    .map(Number);

function readCommandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return [];
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH', 'EPERM')) throw error;
  }
}
