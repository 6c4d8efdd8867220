import {readlinkSync} from 'node:fs';
import {hasErrno, WinchError} from '../errors.ts';
import {readProcess} from './process-details.ts';
import {type Account, type IdRange, readSubordinateIds, SUBORDINATE_GIDS, SUBORDINATE_UIDS} from './subordinate-ids.ts';
import {findSystemProgram} from './system-programs.ts';

/** How a command becomes root of a user namespace. */
export interface NamespacePlan {
  /**
   * A command line of `unshare` that runs what follows it as root of a new user namespace, in the same process, with a
   * mount namespace to which that root may return.
   */
  readonly words: readonly string[];
  /** Why no other ids than the user's own are in it; null: there are others. */
  readonly missing: string | null;
}

/**
 * The ways to be root of a user namespace, best first: with the subordinate ids of the user's account as everybody else,
 * and with the user alone.
 *
 * @returns Nothing without util-linux's `unshare`.
 */
export function planUserNamespace(account: Account): readonly NamespacePlan[] {
  const unshare = findSystemProgram('unshare');
  if (unshare === null) return [];
  const words = [unshare, '--user', '--map-root-user', '--mount'];
  const uids = readSubordinateIds(SUBORDINATE_UIDS, account);
  const gids = readSubordinateIds(SUBORDINATE_GIDS, account);
  const missing = findMissing({uids, gids});
  if (missing !== null || uids === null || gids === null) return [{words, missing}];
  const ranges = [`--map-users=${rangeWord(uids)}`, `--map-groups=${rangeWord(gids)}`];
  return [
    {words: [...words, ...ranges], missing: null},
    {words, missing: 'the subordinate ids cannot be used'},
  ];
}

function findMissing({uids, gids}: {readonly uids: IdRange | null; readonly gids: IdRange | null}): string | null {
  if (uids === null) return `${SUBORDINATE_UIDS} has no range for this user`;
  if (gids === null) return `${SUBORDINATE_GIDS} has no range for this user`;
  const program = ['newuidmap', 'newgidmap'].find((name) => findSystemProgram(name) === null);
  return program === undefined ? null : `${program} is not installed`;
}

/**
 * Words in front of a command line that run it, in the same process, as root of the user namespace that a container was
 * started from, which is its own unless it has one below that; with a mount namespace as `planUserNamespace` has it.
 *
 * @param pid Of the container's first process.
 *
 * @throws {WinchError} `USER_NAMESPACE_DENIED`
 */
export function planJoining(pid: number): readonly string[] {
  const [nsenter, unshare] = ['nsenter', 'unshare'].map(findSystemProgram);
  if (nsenter && unshare) {
    const target = `--target=${findStarted(pid)}`;
    return [nsenter, '--user', '--preserve-credentials', target, '--', unshare, '--mount', '--'];
  }
  throw new WinchError('USER_NAMESPACE_DENIED', 'nsenter and unshare, which enter namespaces, are not installed', {
    kind: 'unsupported',
    hint: 'install them (apt-get install util-linux, dnf install util-linux)',
  });
}

/** Whoever waits for the end of a container is where it was started from. */
function findStarted(pid: number): number {
  const parent = readProcess(pid)?.parentPid;
  if (parent === undefined) return pid;
  const [own, ofContainer, ofParent] = ['self', pid, parent].map(readUserNamespace);
  return ofParent === null || ofParent === own || ofParent === ofContainer ? pid : parent;
}

/** Null: it is gone, or not ours. */
function readUserNamespace(pid: number | string | undefined): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ESRCH')) return null;
    throw error;
  }
}

/** Outside, inside, how many: the form that all versions of unshare(1) since 2.38 take. */
const rangeWord = ({start, count}: IdRange): string => `${start},1,${count}`;
