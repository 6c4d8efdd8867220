import {chmodSync, closeSync, constants, mkdirSync, openSync} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {mountFuseOverlay, type OverlayDirectories} from './fuse-overlay.ts';
import {type ErofsMount, mountErofs} from './mount-erofs.ts';
import {mountError} from './mount-error.ts';
import {type RestoreRequest, restoreDirectories} from './restore-directories.ts';
import {CloneFlag, MountFlag, type Syscalls, UnmountFlag} from './syscalls.ts';
import {isInitialUserNamespace} from './user-namespace.ts';

/** One step on the way to a mounted tree, as data; `performMounts` carries it out. */
export type MountStep =
  | {readonly type: 'directory'; readonly path: string; readonly mode: number}
  | {readonly type: 'tmpfs'; readonly target: string; readonly options: string}
  | ({readonly type: 'erofs'} & ErofsMount)
  | ({readonly type: 'restore'} & RestoreRequest)
  | {readonly type: 'bind'; readonly source: string; readonly target: string}
  | ({readonly type: 'overlay' | 'fuse-overlayfs'} & OverlayDirectories)
  /**
   * Other steps where some of the first ones fail; what those have made is in the way of none of them. They mount at the
   * same places, and below those of steps before.
   */
  | {readonly type: 'either'; readonly first: readonly MountStep[]; readonly second: readonly MountStep[]};

const OPTIONS_LIMIT_BYTES = 4095;
/** OVL_MAX_STACK of the kernel. */
const LOWER_LIMIT = 500;

/**
 * Gives the calling thread a mount table of its own: what it mounts from now on is seen by it and by the processes it
 * spawns, and is gone with the last of them. Node's pool threads (asynchronous `fs`) may be in or out.
 *
 * @throws {WinchError} `NAMESPACE_DENIED`
 */
export function enterPrivateMountNamespace(syscalls: Syscalls): void {
  try {
    syscalls.unshare(CloneFlag.newMountNamespace);
    syscalls.mount('none', '/', null, MountFlag.recursive | MountFlag.private, null);
  } catch (error) {
    throw new WinchError('NAMESPACE_DENIED', 'this user may not make a mount namespace', {
      kind: 'unsupported',
      hint: 'run as root (CAP_SYS_ADMIN)',
      cause: error,
    });
  }
}

/**
 * Calls `work` in a mount namespace of its own and brings the calling thread back: what is mounted there lives as long
 * as the processes that `work` has started.
 *
 * @param work Synchronous: other threads, and so all asynchronous calls, stay outside.
 * @throws {WinchError} `NAMESPACE_DENIED`
 */
export function inPrivateMountNamespace<T>(syscalls: Syscalls, work: () => T): T {
  const home = openSync('/proc/thread-self/ns/mnt', 'r');
  const directory = openSync('.', constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    enterPrivateMountNamespace(syscalls);
    try {
      return work();
    } finally {
      syscalls.setNamespace(home, CloneFlag.newMountNamespace);
      syscalls.changeDirectory(`/proc/self/fd/${directory}`);
    }
  } finally {
    closeSync(directory);
    closeSync(home);
  }
}

/**
 * Carries out mount steps in order, in the namespace of the calling thread, whose working directory is `/` afterwards.
 *
 * @throws {WinchError} `MOUNT_UNSUPPORTED` | `UPPER_UNSUPPORTED` | `MOUNT_FAILED` | `LIMIT_LAYERS` | `STORE_CORRUPT` |
 * `STORE_FULL` …
 */
export function performMounts(syscalls: Syscalls, steps: readonly MountStep[]): void {
  for (const step of steps) {
    try {
      performMount(syscalls, step);
    } catch (error) {
      throw mountError(step, error);
    }
  }
}

/**
 * Detaches what `performMounts` mounted, from the namespace of the calling thread. What still uses a mount keeps it.
 *
 * Node starts pool threads at first need, and one that is born in the private namespace would remove through the mounts.
 */
export function detachMounts(syscalls: Syscalls, steps: readonly MountStep[]): void {
  const targets = [...new Set(steps.flatMap(listTargets))];
  const isBelowAnother = (target: string) => targets.some((other) => target.startsWith(`${other}/`));
  for (const target of targets.filter((candidate) => !isBelowAnother(candidate)).toReversed()) {
    try {
      syscalls.unmount(target, UnmountFlag.detach);
    } catch (error) {
      // Steps that were never reached have nothing to detach.
      if (!hasErrno(error, 'EINVAL', 'ENOENT')) throw error;
    }
  }
}

function listTargets(step: MountStep): readonly string[] {
  if (step.type === 'either') return step.first.flatMap(listTargets);
  return step.type === 'directory' || step.type === 'restore' ? [] : [step.target];
}

function performMount(syscalls: Syscalls, step: MountStep): void {
  switch (step.type) {
    case 'directory':
      makeDirectory(step.path, step.mode);
      return;
    case 'tmpfs':
      syscalls.mount('tmpfs', step.target, 'tmpfs', MountFlag.noSuid | MountFlag.noDev, step.options);
      return;
    case 'bind':
      syscalls.mount(step.source, step.target, null, MountFlag.bind, null);
      return;
    case 'erofs':
      mountErofs(syscalls, step);
      return;
    case 'restore':
      restoreDirectories(syscalls, step);
      return;
    case 'overlay':
      mountOverlay(syscalls, step);
      return;
    case 'fuse-overlayfs':
      mountFuseOverlay(syscalls, step);
      return;
    case 'either':
      performEither(syscalls, step);
  }
}

function performEither(syscalls: Syscalls, {first, second}: Extract<MountStep, {type: 'either'}>): void {
  try {
    performMounts(syscalls, first);
  } catch {
    detachMounts(syscalls, first);
    performMounts(syscalls, second);
  }
}

/** The process's umask must not decide who may enter a root file system. */
function makeDirectory(path: string, mode: number): void {
  if (mkdirSync(path, {recursive: true, mode}) !== undefined) chmodSync(path, mode);
}

function mountOverlay(syscalls: Syscalls, step: OverlayDirectories): void {
  const upper = step.upper ? upperOptions(step.upper) : '';
  // Elsewhere only the kernel's own root may set the attributes that the kernel looks for by itself.
  const marks = isInitialUserNamespace() ? '' : ',userxattr';
  const options = `lowerdir=${step.lower.join(':')}${upper}${marks}`;
  if (options.length > OPTIONS_LIMIT_BYTES || step.lower.length > LOWER_LIMIT) {
    throw new WinchError('LIMIT_LAYERS', `${step.lower.length} layers do not fit into one overlay mount`, {
      kind: 'unsupported',
    });
  }
  syscalls.changeDirectory(step.base);
  try {
    syscalls.mount('overlay', step.target, 'overlay', step.upper ? 0 : MountFlag.readOnly, options);
  } finally {
    syscalls.changeDirectory('/');
  }
}

/** What goes with its run is not worth a sync, not even one that a program in the container asks for. */
const upperOptions = ({directory, work, isLasting}: NonNullable<OverlayDirectories['upper']>): string =>
  `,upperdir=${directory},workdir=${work}${isLasting ? '' : ',volatile'}`;
