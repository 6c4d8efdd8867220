import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import {
  type GroupEntry,
  MAX_ACCOUNT_ID,
  type PasswdEntry,
  parseAccountId,
  readGroups,
  readPasswd,
} from './account-files.ts';

/** The container's own account files; null where the image has none. */
export interface AccountFiles {
  readonly passwd: Buffer | null;
  readonly group: Buffer | null;
}

/** Whom the container's first process runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Every group of the process, the primary one first. */
  readonly additionalGids: readonly number[];
  /** Home directory by the image's passwd file; `/` when it names none. */
  readonly home: string;
}

/** What setgroups(2) accepts. */
const NGROUPS_MAX = 65_536;

/**
 * Finds the ids behind `user[:group]` as docker does, reading only the container's own files.
 *
 * A word that looks like a number is a number and never a name, so an entry called `1337` cannot give its ids away. An
 * empty `spec` means uid 0. Supplementary groups come from the group file unless the spec names a group; those of
 * `groupAdd` are added in any case.
 *
 * @param spec `Config.User` of the image or the caller's choice: names or numbers of 0 … 2^31-1.
 * @throws {WinchError} `USER_INVALID`: not of that form, or a number out of range · `USER_UNKNOWN`: no such name.
 * @see image-spec v1.1.1 conversion.md#configuser
 */
export function resolveUser(files: AccountFiles, spec: string, groupAdd: readonly string[] = []): ResolvedUser {
  const [userWord, groupWord] = splitSpec(spec);
  const requestedUid = parseNumericWord(userWord, spec);
  const account = findAccount(files, userWord, requestedUid);
  const groups = [...readGroups(files.group)];
  const primary = groupWord === null ? (account?.gid ?? 0) : findGroup(groups, groupWord, spec);
  const implied = groupWord === null && account !== null ? groupsOf(groups, account.name) : [];
  const added = groupAdd.map((word) => findGroup(groups, word, word));
  const additionalGids = [...new Set([primary, ...implied, ...added])];
  if (additionalGids.length > NGROUPS_MAX) {
    throw invalidUser(spec, `is in ${additionalGids.length} groups and the kernel allows ${NGROUPS_MAX}`);
  }
  return {uid: account?.uid ?? requestedUid ?? 0, gid: primary, additionalGids, home: account?.home || '/'};
}

function splitSpec(spec: string): readonly [string, string | null] {
  const [user = '', group, ...rest] = spec.split(':');
  if (spec === '') return ['0', null];
  if (user === '' || group === '' || rest.length > 0) throw invalidUser(spec, 'is not of the form user[:group]');
  return [user, group ?? null];
}

/** The number that `word` is, or null for a name. A number out of range is refused: it must not become a name. */
function parseNumericWord(word: string, spec: string): number | null {
  if (!/^[+-]?\d+$/.test(word)) return null;
  const id = parseAccountId(word);
  if (id === null) throw invalidUser(spec, `is not a valid id (0-${MAX_ACCOUNT_ID})`);
  return id;
}

function findAccount(files: AccountFiles, word: string, uid: number | null): CompleteAccount | null {
  for (const entry of readPasswd(files.passwd)) {
    if (uid === null ? entry.name === word : entry.uid === uid) return completeAccount(entry);
  }
  if (uid !== null) return null;
  throw unknownName('user', word, files.passwd === null ? '/etc/passwd, which it lacks' : '/etc/passwd');
}

type CompleteAccount = PasswdEntry & {readonly uid: number; readonly gid: number};

function completeAccount(entry: PasswdEntry): CompleteAccount {
  const {uid, gid} = entry;
  if (uid === null || gid === null) throw invalidUser(entry.name, 'has no valid ids in the /etc/passwd of the image');
  return {...entry, uid, gid};
}

function findGroup(groups: readonly GroupEntry[], word: string, spec: string): number {
  const number = parseNumericWord(word, spec);
  if (number !== null) return number;
  const entry = groups.find(({name}) => name === word);
  if (entry === undefined) throw unknownName('group', word, '/etc/group');
  if (entry.gid === null) throw invalidUser(word, 'has no valid id in the /etc/group of the image');
  return entry.gid;
}

function groupsOf(groups: readonly GroupEntry[], userName: string): number[] {
  return groups.flatMap(({gid, members}) => (gid !== null && members.includes(userName) ? [gid] : []));
}

const invalidUser = (spec: string, problem: string): WinchError =>
  new WinchError('USER_INVALID', `user ${excerpt(spec)} ${problem}`, {
    kind: 'refused',
    hint: 'name a user of the image or give uid:gid as numbers',
  });

const unknownName = (what: 'user' | 'group', word: string, where: string): WinchError =>
  new WinchError('USER_UNKNOWN', `${what} ${excerpt(word)} is not in the image's ${where}`, {
    kind: 'refused',
    hint: `give the ${what} as a number, or one that the image knows`,
  });
