import {spawn} from 'node:child_process';
import {closeSync, existsSync, openSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {monotonicMs} from './monotonic-ms.ts';
import {identifyProcess} from './process-identity.ts';
import {CloneFlag, type Syscalls, UnmountFlag} from './syscalls.ts';
import {findSystemProgram, SYSTEM_PATH} from './system-programs.ts';

/** Directories to lay over each other. */
export interface OverlayDirectories {
  readonly target: string;
  /** The other directories are named relative to this one: options have no room for, and trouble with, long paths. */
  readonly base: string;
  /** Topmost first. */
  readonly lower: readonly string[];
  readonly upper: {readonly directory: string; readonly work: string; readonly isLasting: boolean} | null;
  /** Where a process that serves the mount is noted, which then outlives the calling thread; absent: it ends with it. */
  readonly servers?: string | undefined;
}

const DEVICE = '/dev/fuse';
const LOG = '.fuse-overlayfs';
const POLL_MS = 1;
const LIMIT_MS = 20_000;
/** The kernel's signal is for deaths that come after it was asked for: one that came before leaves another parent. */
const SCRIPT = '[ "$PPID" = "$1" ] && shift && exec "$@"';
/** Noted before it is there, so that none is there that nobody knows of. */
const NOTING_SCRIPT = 'read -r line < "/proc/$$/stat" && echo "$line" > "$1/$$" && shift && exec "$@"';
/** What a container that goes on has written is read past the mount as well. */
const WRITTEN_AT_ONCE = 'writeback=0';

/**
 * Mounts with fuse-overlayfs, whose process serves the mount. It ends when the calling thread does, SIGKILL included,
 * or when nothing uses the mount any more.
 *
 * One that is to outlive the thread is left alone in the thread's mount namespace, without the mount, which it would keep
 * from ending: the thread goes on in a copy of the namespace. So no descriptor of a directory may be taken before.
 *
 * Synchronous: only the calling thread is known to see what it mounts.
 *
 * @throws {WinchError} `MOUNT_UNSUPPORTED`
 */
export function mountFuseOverlay(syscalls: Syscalls, overlay: OverlayDirectories): void {
  const {target, base, servers} = overlay;
  const [bind, serve] = [requireProgram('setpriv'), requireProgram('fuse-overlayfs')];
  if (!existsSync(DEVICE)) throw unsupported(`there is no ${DEVICE}`, 'load the module fuse, or pass the device on');
  const log = join(base, LOG);
  const before = statSync(target).dev;
  const command = [serve, '-f', '-o', optionsOf(overlay), target];
  const words =
    servers === undefined
      ? [bind, '--pdeathsig', 'KILL', '/bin/sh', '-c', SCRIPT, 'sh', String(process.pid), ...command]
      : ['/bin/sh', '-c', NOTING_SCRIPT, 'sh', servers, ...command];
  const pid = start(words, {cwd: base, log});
  waitForMount({target, before, pid, log});
  if (servers !== undefined) leaveServer(syscalls, target);
}

function optionsOf({lower, upper, servers}: OverlayDirectories): string {
  const layers = `lowerdir=${lower.join(':')}`;
  const above = upper ? [`upperdir=${upper.directory}`, `workdir=${upper.work}`] : ['ro'];
  return [layers, ...above, 'dev', ...(servers === undefined ? [] : [WRITTEN_AT_ONCE])].join(',');
}

function start([program = '', ...words]: readonly string[], {cwd, log}: {readonly cwd: string; readonly log: string}) {
  const output = openSync(log, 'w', 0o600);
  const child = spawn(program, words, {
    cwd,
    env: {PATH: SYSTEM_PATH},
    stdio: ['ignore', output, output],
    // A terminal's Ctrl-C is for the container, which still needs its files.
    detached: true,
  });
  closeSync(output);
  child.on('error', () => {});
  child.unref();
  return child.pid ?? 0;
}

function leaveServer(syscalls: Syscalls, target: string): void {
  const namespace = '/proc/thread-self/ns/mnt';
  const servers = openSync(namespace, 'r');
  try {
    syscalls.unshare(CloneFlag.newMountNamespace);
    const own = openSync(namespace, 'r');
    try {
      syscalls.setNamespace(servers, CloneFlag.newMountNamespace);
      syscalls.unmount(target, UnmountFlag.detach);
    } finally {
      syscalls.setNamespace(own, CloneFlag.newMountNamespace);
      closeSync(own);
    }
  } finally {
    closeSync(servers);
  }
}

interface Waiting {
  readonly target: string;
  /** The number of the device that the target was on. */
  readonly before: number;
  readonly pid: number;
  readonly log: string;
}

function waitForMount({target, before, pid, log}: Waiting): void {
  const end = monotonicMs() + LIMIT_MS;
  while (!isMounted(target, before)) {
    // Node does not see the exit of a child while it waits here.
    if (identifyProcess(pid) === null || monotonicMs() > end) {
      throw unsupported(`fuse-overlayfs does not mount: ${lastLine(log)}`, 'FUSE may be forbidden here');
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
}

function isMounted(target: string, before: number): boolean {
  try {
    return statSync(target).dev !== before;
  } catch (error) {
    // Mounted, and its process has died meanwhile.
    if (hasErrno(error, 'ENOTCONN', 'ECONNABORTED')) return false;
    throw error;
  }
}

const lastLine = (path: string): string =>
  readFileSync(path, 'utf8').trim().split('\n').at(-1) || 'it ended without a word';

function requireProgram(name: string): string {
  const path = findSystemProgram(name);
  if (path !== null) return path;
  throw unsupported(`${name} is not installed`, 'install it with the packages of this distribution');
}

const unsupported = (message: string, hint: string): WinchError =>
  new WinchError('MOUNT_UNSUPPORTED', message, {kind: 'unsupported', hint});
