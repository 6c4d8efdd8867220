import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/** Ids of the machine that a user may give to others in a user namespace. */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Null: the user has no account. */
  readonly name: string | null;
}

export const SUBORDINATE_UIDS = '/etc/subuid';
export const SUBORDINATE_GIDS = '/etc/subgid';

/** The largest range that a file of subordinate ids gives a user; null: none. @see subuid(5) */
export function readSubordinateIds(path: string, account: Pick<Account, 'uid' | 'name'>): IdRange | null {
  try {
    return findRange(readFileSync(path, 'utf8'), account);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return null;
    throw error;
  }
}

/** As {@link readSubordinateIds}, from the text of such a file. */
export function findRange(text: string, {uid, name}: Pick<Account, 'uid' | 'name'>): IdRange | null {
  const ranges = text.split('\n').flatMap((line) => {
    const [, owner = '', start, count] = /^([^:#]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim()) ?? [];
    const isOwn = owner === name || owner === String(uid);
    return isOwn && Number(count) > 0 ? [{start: Number(start), count: Number(count)}] : [];
  });
  return ranges.toSorted((one, other) => other.count - one.count)[0] ?? null;
}
