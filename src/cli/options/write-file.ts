import {writeFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';

export interface FlagFile {
  readonly flag: string;
  readonly path: string;
}

/**
 * Writes a file that a flag names.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function writeFlagFile({flag, path}: FlagFile, content: string, environment: Environment): void {
  try {
    writeFileSync(resolve(environment.workingDirectory(), path), content);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EROFS', 'ENOSPC')) throw error;
    throw flagInvalid(flag, `${quote(path)} cannot be written (${error.code})`, `${flag} with a file's path`);
  }
}
