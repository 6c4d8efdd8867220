/** One line of `/etc/passwd`; ids are null where the line has no valid number. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly home: string;
}

/** One line of `/etc/group`. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number | null;
  readonly members: readonly string[];
}

/** Largest id a container may have: what 32-bit programs can still tell from an error. */
export const MAX_ACCOUNT_ID = 2 ** 31 - 1;

/** Reads `passwd(5)` lines in order; comments and lines without a name are skipped. */
export function* readPasswd(file: Buffer | null): Generator<PasswdEntry> {
  for (const [name, , uid, gid, , home] of readLines(file)) {
    if (name) yield {name, uid: parseAccountId(uid), gid: parseAccountId(gid), home: home ?? ''};
  }
}

/** Reads `group(5)` lines in order; comments and lines without a name are skipped. */
export function* readGroups(file: Buffer | null): Generator<GroupEntry> {
  for (const [name, , gid, members] of readLines(file)) {
    if (name) yield {name, gid: parseAccountId(gid), members: members ? members.split(',') : []};
  }
}

/** A decimal id within 0 … {@link MAX_ACCOUNT_ID}, else null. */
export function parseAccountId(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return null;
  const id = Number(text);
  return id <= MAX_ACCOUNT_ID ? id : null;
}

function* readLines(file: Buffer | null): Generator<string[]> {
  if (file === null) return;
  for (const line of file.toString('utf8').split('\n')) {
    const text = line.trim();
    if (text !== '' && !text.startsWith('#')) yield text.split(':');
  }
}
