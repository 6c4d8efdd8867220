import {readGroups, readPasswd} from './account-files.ts';
import type {AccountFiles} from './user.ts';

/** Somebody whom an image need not know. */
export interface AddedAccount {
  /** Of the user on the machine; null: it has no account there either. */
  readonly name: string | null;
  readonly uid: number;
  readonly gid: number;
}

/** Whole files in the place of the image's; null: that one has such a user, or group, already. */
export interface AddedFiles {
  readonly passwd: string | null;
  readonly group: string | null;
}

const NAME = 'user';

/** The account files of an image in which a user has a name: programs want to know that of whoever runs them. */
export function addAccount({passwd, group}: AccountFiles, {uid, gid, name}: AddedAccount): AddedFiles {
  const [users, groups] = [[...readPasswd(passwd)], [...readGroups(group)]];
  const word = (taken: readonly {readonly name: string}[]): string =>
    [name ?? NAME, NAME, `${NAME}${uid}`].find((one) => taken.every((entry) => entry.name !== one)) ?? NAME;
  const user = `${word(users)}:x:${uid}:${gid}::/:/bin/sh\n`;
  return {
    passwd: users.some((entry) => entry.uid === uid) ? null : withLine(passwd, user),
    group: groups.some((entry) => entry.gid === gid) ? null : withLine(group, `${word(groups)}:x:${gid}:\n`),
  };
}

function withLine(file: Buffer | null, line: string): string {
  const text = file?.toString('latin1') ?? '';
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}`;
}
