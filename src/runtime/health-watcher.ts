import {spawn} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {SYSTEM_PATH} from './find-runtime.ts';

export interface HealthWatch {
  /** Of the container. */
  readonly id: string;
  /** Its first process: without it there is nothing to watch. */
  readonly pid: number;
  /** File that says who watches. */
  readonly note: string;
  /** Milliseconds until the first check. */
  readonly delayMs: number;
  /**
   * A program and its arguments that check once and print the milliseconds until the next time, or end with 3 when there
   * is nothing to be checked any more.
   */
  readonly command: readonly string[];
  /** Where Node keeps what it has compiled of that program; nobody else may write there. */
  readonly cacheDirectory: string;
}

const NAME = 'winch-health';

/**
 * A shell takes a fiftieth of the memory of a process that could do all this by itself, and most of the time there is
 * nothing to do. It ends when the container has, five seconds later at most, or when another one has taken its place.
 */
const SCRIPT = `
pid=$2 note=$3 delay=$4
shift 4
while :; do
  left=$delay
  while [ "$left" -gt 0 ]; do
    slice=$left
    [ "$slice" -gt 5000 ] && slice=5000
    sleep "$((slice / 1000)).$(printf %03d $((slice % 1000)))"
    [ -d "/proc/$pid" ] && read -r own <"$note" && [ "$own" = $$ ] || exit
    left=$((left - slice))
  done
  next=$("$@")
  [ $? = 3 ] && exit
  delay=\${next:-$delay}
done
`;

/** Starts a process that checks a container again and again as long as it lives, whatever becomes of this one. */
export function startHealthWatcher({id, pid, note, delayMs, command, cacheDirectory}: HealthWatch): void {
  const words = [id, String(pid), note, String(delayMs), ...command];
  const watcher = spawn('/bin/sh', ['-c', SCRIPT, NAME, ...words], {
    cwd: '/',
    env: {PATH: SYSTEM_PATH, LANG: 'C.UTF-8', NODE_COMPILE_CACHE: cacheDirectory},
    stdio: 'ignore',
    detached: true,
  });
  watcher.unref();
  // The next command that looks at the container starts one that could not be started.
  watcher.on('error', () => {});
  // By now it is the shell that has this pid. Without the note it would end by itself.
  if (watcher.pid !== undefined) writeFileSync(note, `${watcher.pid}\n`, {mode: 0o600});
}

/** Whether somebody watches a container. */
export const isHealthWatched = ({id, note}: Pick<HealthWatch, 'id' | 'note'>): boolean =>
  findWatcher(id, note) !== null;

/** Ends who watches a container, with the check that is going on. */
export function endHealthWatcher({id, note}: Pick<HealthWatch, 'id' | 'note'>): void {
  const pid = findWatcher(id, note);
  if (pid === null) return;
  try {
    // It leads a group.
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH', 'EPERM')) throw error;
  }
}

/** What had this pid once may be another process by now. */
function findWatcher(id: string, note: string): number | null {
  const pid = Number(readOr(note, '').trim());
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  const words = readOr(`/proc/${pid}/cmdline`, '').split('\0');
  return words.includes(NAME) && words.includes(id) ? pid : null;
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES')) return otherwise;
    throw error;
  }
}
