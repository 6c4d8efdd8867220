import {closeSync, openSync} from 'node:fs';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import {openNamespace} from './open-namespace.ts';
import {loadSocketCalls} from './socket-calls.ts';
import {CloneFlag, type Syscalls} from './syscalls.ts';
import {findSystemProgram} from './system-programs.ts';
import {startWaitingProcess} from './waiting-process.ts';

/** A network namespace that stays as long as this is open, or a process is in it. */
export interface NetworkNamespace {
  /** Good for other processes as well, as long as it is open. */
  readonly path: string;
  close(): void;
}

const OWN = '/proc/thread-self/ns/net';

/**
 * Makes a network namespace with nothing but a loopback device. The calling thread stays where it is.
 *
 * @throws {WinchError} `NAMESPACE_DENIED`
 */
export function createNetworkNamespace(syscalls: Syscalls): NetworkNamespace {
  const home = openSync(OWN, 'r');
  try {
    unshareNetwork(syscalls);
    try {
      loadSocketCalls().raiseLoopback();
      return hold(openSync(OWN, 'r'));
    } finally {
      syscalls.setNamespace(home, CloneFlag.newNetworkNamespace);
    }
  } finally {
    closeSync(home);
  }
}

/**
 * As `createNetworkNamespace`, made by another process, and its loopback device is down: root of a user namespace has no way back to the machine's own.
 *
 * @param owner Path of the user namespace that it belongs to; absent: this process's.
 * @throws {WinchError} `NAMESPACE_DENIED`
 */
export async function makeNetworkNamespace(owner?: string): Promise<NetworkNamespace> {
  const [unshare, nsenter] = [findSystemProgram('unshare'), findSystemProgram('nsenter')];
  if (unshare === null || nsenter === null) throw denied(undefined);
  const making = [unshare, '--net'];
  const waiting = await startWaitingProcess(
    owner === undefined ? making : [nsenter, `--user=${owner}`, '--', ...making],
  );
  if (waiting === null) throw denied(undefined);
  try {
    return openNetworkNamespace(`/proc/${waiting.pid}/ns/net`);
  } finally {
    await waiting.close();
  }
}

/** Lets a network namespace reach itself; the calling thread goes there and comes back. */
export function raiseLoopbackOf(syscalls: Syscalls, {path}: NetworkNamespace): void {
  const [home, place] = [openSync(OWN, 'r'), openSync(path, 'r')];
  try {
    syscalls.setNamespace(place, CloneFlag.newNetworkNamespace);
    try {
      loadSocketCalls().raiseLoopback();
    } finally {
      syscalls.setNamespace(home, CloneFlag.newNetworkNamespace);
    }
  } finally {
    for (const fd of [home, place]) closeSync(fd);
  }
}

/**
 * Opens the network namespace at a path (`/proc/PID/ns/net`, or where one is mounted).
 *
 * @throws {WinchError} `NETWORK_NAMESPACE_MISSING`
 */
export function openNetworkNamespace(path: string): NetworkNamespace {
  const fd = openNamespace(path, 'net');
  if (fd !== null) return hold(fd);
  throw new WinchError('NETWORK_NAMESPACE_MISSING', `there is no network namespace at ${excerpt(path)}`, {
    kind: 'not-found',
  });
}

function unshareNetwork(syscalls: Syscalls): void {
  try {
    syscalls.unshare(CloneFlag.newNetworkNamespace);
  } catch (error) {
    throw denied(error);
  }
}

const denied = (cause: unknown): WinchError =>
  new WinchError('NAMESPACE_DENIED', 'this user may not make a network namespace', {
    kind: 'unsupported',
    hint: 'run as root (CAP_SYS_ADMIN)',
    cause,
  });

function hold(fd: number): NetworkNamespace {
  let isOpen = true;
  return {
    path: `/proc/${process.pid}/fd/${fd}`,
    close: () => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}
