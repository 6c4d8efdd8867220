import {accessSync, constants, statSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {hasErrno} from '../errors.ts';

/** Programs are never looked up in the caller's PATH. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The absolute path of a program in the system's directories; null when it is not there. */
export const findSystemProgram = (name: string): string | null =>
  SYSTEM_PATH.split(delimiter)
    .map((directory) => join(directory, name))
    .find(isProgram) ?? null;

/** Whether a path leads to a file that this user may execute. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) return false;
    throw error;
  }
}
