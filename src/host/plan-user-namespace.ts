import {WinchError} from '../errors.ts';
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
 * Words in front of a command line that run it, in the same process, as root of the user namespace of a process, which
 * this user has started there; with a mount namespace as `planUserNamespace` has it.
 *
 * @throws {WinchError} `USER_NAMESPACE_DENIED`
 */
export function planJoining(pid: number): readonly string[] {
  const [nsenter, unshare] = ['nsenter', 'unshare'].map(findSystemProgram);
  if (nsenter && unshare) {
    return [nsenter, '--user', '--preserve-credentials', `--target=${pid}`, '--', unshare, '--mount', '--'];
  }
  throw new WinchError('USER_NAMESPACE_DENIED', 'nsenter and unshare, which enter namespaces, are not installed', {
    kind: 'unsupported',
    hint: 'install them (apt-get install util-linux, dnf install util-linux)',
  });
}

/** Outside, inside, how many: the form that all versions of unshare(1) since 2.38 take. */
const rangeWord = ({start, count}: IdRange): string => `${start},1,${count}`;
