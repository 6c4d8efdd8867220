import {closeSync, constants, openSync, statfsSync} from 'node:fs';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {isShareable} from '../bundle/ipc-mode.ts';
import {hasErrno, isSystemError, WinchError} from '../errors.ts';
import {cloneForeignMount} from '../host/foreign-mounts.ts';
import {openNamespace} from '../host/open-namespace.ts';
import {loadSyscalls, type Syscalls} from '../host/syscalls.ts';
import type {ContainerContext} from './context.ts';
import {readAsked} from './directories.ts';
import type {Held} from './join-namespaces.ts';
import {nameOf, notRunning} from './kept/find-container.ts';
import {type LiveContainer, requireLive} from './kept/find-live.ts';
import {findRecord} from './kept/record.ts';

/** Opens a place without reading from it. */
const O_PATH = 0o10_000_000;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const TMPFS_MAGIC = 0x0102_1994;
const PLACE = '/dev/shm';

/**
 * Opens the message queues and the shared memory of a container that runs.
 *
 * What it has at `/dev/shm` is looked up as it sees it: its symlinks lead nowhere else, and what is no file system of memory
 * is not taken.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `IPC_NOT_SHAREABLE` |
 * `NAMESPACE_UNSUPPORTED`
 */
export async function shareMemory(
  context: ContainerContext,
  name: string,
  held: Held,
): Promise<NonNullable<ContainerOptions['ipc']>> {
  const container = await requireLive(context, name);
  requireShareable(context, container);
  using opened = new DisposableStack();
  const openHere = (open: () => number | null): number => {
    const fd = unlessEnded(container, open);
    opened.defer(() => closeSync(fd));
    return fd;
  };
  const processFd = openHere(() => openSync(`/proc/${container.pid}`, DIRECTORY));
  const seen = `/proc/self/fd/${processFd}`;
  // Its number may have become another process's before it was opened; what is open stays what it is.
  if ((await requireLive(context, container.id)).pid !== container.pid) throw notRunning(container);
  const syscalls = loadSyscalls();
  const queues = openHere(() => openNamespace(`${seen}/ns/ipc`, 'ipc'));
  const namespaceFd = openHere(() => openNamespace(`${seen}/ns/mnt`, 'mnt'));
  const rootFd = openHere(() => openSync(`${seen}/root`, O_PATH | constants.O_DIRECTORY));
  const placeFd = openHere(() => openMemory(syscalls, container, rootFd));
  const memory = openHere(() => clone(syscalls, {namespaceFd, placeFd}));
  const kept = opened.move();
  held.defer(() => kept.dispose());
  return {namespace: `/proc/${process.pid}/fd/${queues}`, sharedMemory: memory};
}

function requireShareable(context: ContainerContext, container: LiveContainer): void {
  const {ipc} = (findRecord(context, container.id) ?? readAsked(context, container.id)).container;
  if (isShareable(ipc)) return;
  throw new WinchError('IPC_NOT_SHAREABLE', `container ${nameOf(container)} shares its memory with no other`, {
    kind: 'invalid',
    hint: 'make it anew, with memory that may be shared',
  });
}

/** Null as well: the namespace of what has ended. */
function unlessEnded(container: LiveContainer, open: () => number | null): number {
  try {
    const fd = open();
    if (fd !== null) return fd;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ESRCH')) throw error;
  }
  throw notRunning(container);
}

function openMemory(syscalls: Syscalls, container: LiveContainer, rootFd: number): number {
  const fd = openPlace(syscalls, rootFd);
  if (fd !== null && statfsSync(`/proc/self/fd/${fd}`).type === TMPFS_MAGIC) return fd;
  if (fd !== null) closeSync(fd);
  throw new WinchError(
    'IPC_NOT_SHAREABLE',
    `container ${nameOf(container)} has no shared memory at ${PLACE} any more`,
    {
      kind: 'invalid',
      hint: 'start it again',
    },
  );
}

function openPlace(syscalls: Syscalls, rootFd: number): number | null {
  try {
    return syscalls.openInRoot(rootFd, PLACE, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EXDEV')) return null;
    throw error;
  }
}

function clone(syscalls: Syscalls, place: Parameters<typeof cloneForeignMount>[1]): number {
  try {
    return cloneForeignMount(syscalls, place);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new WinchError('NAMESPACE_UNSUPPORTED', `the memory of another container cannot be mounted (${error.code})`, {
      kind: 'unsupported',
      hint: 'this needs Linux 5.2, and root (CAP_SYS_ADMIN, CAP_SYS_CHROOT)',
      cause: error,
    });
  }
}
