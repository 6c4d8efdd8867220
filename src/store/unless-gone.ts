import {readdirSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

/** What a look at a file finds, or `absent` where none has its path (any longer). */
export function unlessGone<T>(look: () => T, absent: T): T {
  try {
    return look();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return absent;
    throw error;
  }
}

/** The names in a directory; none in one that is not there. */
export const namesIn = (directory: string): readonly string[] => unlessGone(() => readdirSync(directory), []);
