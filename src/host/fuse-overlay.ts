import {spawn} from 'node:child_process';
import {closeSync, existsSync, openSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {identifyProcess} from './process-identity.ts';
import {findSystemProgram, SYSTEM_PATH} from './system-programs.ts';

/** Directories to lay over each other. */
export interface OverlayDirectories {
  readonly target: string;
  /** The other directories are named relative to this one: options have no room for, and trouble with, long paths. */
  readonly base: string;
  /** Topmost first. */
  readonly lower: readonly string[];
  readonly upper: {readonly directory: string; readonly work: string; readonly isLasting: boolean} | null;
}

const DEVICE = '/dev/fuse';
const LOG = '.fuse-overlayfs';
const POLL_MS = 1;
const LIMIT_MS = 20_000;
/** The kernel's signal is for deaths that come after it was asked for: one that came before leaves another parent. */
const SCRIPT = '[ "$PPID" = "$1" ] && shift && exec "$@"';

/**
 * Mounts with fuse-overlayfs, whose process serves the mount. It ends when the calling thread does, SIGKILL included,
 * or when nothing uses the mount any more.
 *
 * Synchronous: only the calling thread is known to see what it mounts.
 *
 * @throws {WinchError} `MOUNT_UNSUPPORTED`
 */
export function mountFuseOverlay({target, base, lower, upper}: OverlayDirectories): void {
  const [bind, serve] = [requireProgram('setpriv'), requireProgram('fuse-overlayfs')];
  if (!existsSync(DEVICE)) throw unsupported(`there is no ${DEVICE}`, 'load the module fuse, or pass the device on');
  const log = join(base, LOG);
  const output = openSync(log, 'w', 0o600);
  const before = statSync(target).dev;
  const layers = [
    `lowerdir=${lower.join(':')}`,
    ...(upper ? [`upperdir=${upper.directory}`, `workdir=${upper.work}`] : ['ro']),
  ];
  const command = [serve, '-f', '-o', [...layers, 'dev'].join(','), target];
  const child = spawn(bind, ['--pdeathsig', 'KILL', '/bin/sh', '-c', SCRIPT, 'sh', String(process.pid), ...command], {
    cwd: base,
    env: {PATH: SYSTEM_PATH},
    stdio: ['ignore', output, output],
    // A terminal's Ctrl-C is for the container, which still needs its files.
    detached: true,
  });
  closeSync(output);
  child.on('error', () => {});
  child.unref();
  waitForMount({target, before, pid: child.pid ?? 0, log});
}

interface Waiting {
  readonly target: string;
  /** The number of the device that the target was on. */
  readonly before: number;
  readonly pid: number;
  readonly log: string;
}

function waitForMount({target, before, pid, log}: Waiting): void {
  const end = performance.now() + LIMIT_MS;
  while (!isMounted(target, before)) {
    // Node does not see the exit of a child while it waits here.
    if (identifyProcess(pid) === null || performance.now() > end) {
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
