import {WinchError} from '../errors.ts';

/** MAX_PATHNAME of SQLite's os_unix.c; the longest name beside a database's ends in `-journal`. */
const LONGEST_PATH_BYTES = 512 - '-journal'.length - 1;

/** Why SQLite, which does not say, cannot open a database with a path like this; null: not because of its length. */
export const longPathError = (path: string): WinchError | null =>
  Buffer.byteLength(path) <= LONGEST_PATH_BYTES
    ? null
    : new WinchError('STORE_PATH', `${path} is longer than ${LONGEST_PATH_BYTES} bytes`, {
        kind: 'invalid',
        hint: 'choose another place',
      });
