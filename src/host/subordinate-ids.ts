import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/** Ids of the machine that a user may give to others in a user namespace. */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

export interface Account {
  readonly uid: number;
  /** Null: the user has no account. */
  readonly name: string | null;
}

export const SUBORDINATE_UIDS = '/etc/subuid';
export const SUBORDINATE_GIDS = '/etc/subgid';

/** Below it are the users of the machine themselves. */
const FIRST_START = 100_000;

/** The largest range that a file of subordinate ids gives a user; null: none. @see subuid(5) */
export const readSubordinateIds = (path: string, account: Account): IdRange | null =>
  findRange(readLines(path).join('\n'), account);

/** As {@link readSubordinateIds}, from the text of such a file. */
export function findRange(text: string, {uid, name}: Account): IdRange | null {
  const ranges = text.split('\n').flatMap((line) => {
    const [, owner = '', start, count] = /^([^:#]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim()) ?? [];
    const isOwn = owner === name || owner === String(uid);
    return isOwn && Number(count) > 0 ? [{start: Number(start), count: Number(count)}] : [];
  });
  return ranges.toSorted((one, other) => other.count - one.count)[0] ?? null;
}

/** The first id that no range of either file reaches. */
export const findFreeStart = (): number =>
  [SUBORDINATE_UIDS, SUBORDINATE_GIDS]
    .flatMap((path) => readLines(path))
    .map((line) => /^[^:]+:(\d{1,10}):(\d{1,10})$/.exec(line))
    .reduce((free, match) => Math.max(free, Number(match?.[1] ?? 0) + Number(match?.[2] ?? 0)), FIRST_START);

/** The name of a user's account; null without one. @see passwd(5) */
export const findName = (uid: number): string | null =>
  readLines('/etc/passwd')
    .map((line) => line.split(':'))
    .find(([, , id]) => id === String(uid))?.[0] ?? null;

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  }
}
