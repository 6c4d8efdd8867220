import {writeFileSync} from 'node:fs';
import {WinchError} from '../errors.ts';
import type {IdMappings} from '../oci/id-mappings.ts';
import type {RuntimeIdMapping} from '../oci/runtime-spec.ts';
import {openNamespace} from './open-namespace.ts';
import {findSystemProgram} from './system-programs.ts';
import {startWaitingProcess} from './waiting-process.ts';

/** The kernel's largest id but one, which stands for none. */
const LAST_ID = 2 ** 32 - 2;
const MACHINES_ROOT = 0;

/** A user namespace with no process but one that waits, as long as this process lives and has not closed it. */
export interface HeldNamespace {
  /** By the number of that process: newer runtimes read there which ids it has. */
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Makes a user namespace for mounts that show the owners of files by its ids (mount_setattr(2), MOUNT_ATTR_IDMAP). The
 * machine's root is in it as well, which overlays need for their own files; nobody in a container can be it.
 *
 * @returns a descriptor, for whoever closes it.
 * @throws {WinchError} `USER_NAMESPACE_DENIED`
 */
export async function openOwnersNamespace({uids, gids}: IdMappings): Promise<number> {
  const {path, close} = await holdUserNamespace({uids: withRoot(uids), gids: withRoot(gids)});
  try {
    const fd = openNamespace(path, 'user');
    if (fd !== null) return fd;
    throw denied('it has ended meanwhile', 'try again');
  } finally {
    await close();
  }
}

/** Makes a user namespace with ids of this process's own. @throws {WinchError} `USER_NAMESPACE_DENIED` */
export async function holdUserNamespace({uids, gids}: IdMappings): Promise<HeldNamespace> {
  const unshare = findSystemProgram('unshare');
  if (unshare === null) throw denied('unshare is not installed', 'install it (apt-get install util-linux)');
  const waiting = await startWaitingProcess([unshare, '--user']);
  if (waiting === null)
    throw denied('the kernel makes no more', 'sysctl user.max_user_namespaces tells how many there may be');
  const {pid, close} = waiting;
  try {
    writeFileSync(`/proc/${pid}/uid_map`, mapText(uids));
    writeFileSync(`/proc/${pid}/gid_map`, mapText(gids));
    return {path: `/proc/${pid}/ns/user`, close};
  } catch (error) {
    await close();
    throw error;
  }
}

const mapText = (ranges: readonly RuntimeIdMapping[]): string =>
  ranges.map(({containerID, hostID, size}) => `${containerID} ${hostID} ${size}\n`).join('');

/** @returns the ranges, and one with the machine's root where none has it. */
function withRoot(ranges: readonly RuntimeIdMapping[]): readonly RuntimeIdMapping[] {
  if (ranges.some(({hostID}) => hostID === MACHINES_ROOT)) return ranges;
  let free = LAST_ID;
  for (const {containerID, size} of ranges.toSorted((one, other) => other.containerID - one.containerID)) {
    if (free < containerID + size) free = containerID - 1;
  }
  return [...ranges, {containerID: free, hostID: MACHINES_ROOT, size: 1}];
}

const denied = (reason: string, hint: string): WinchError =>
  new WinchError('USER_NAMESPACE_DENIED', `a user namespace for the container cannot be made: ${reason}`, {
    kind: 'unsupported',
    hint,
  });
