import {WinchError} from '../errors.ts';
import {longPathError} from '../host/database-path.ts';
import {describeHolder, findLockHolder} from '../host/find-lock-holder.ts';

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
/** Extended: the shared index of the write-ahead log could not grow. */
const SQLITE_IOERR_SHMSIZE = 4874;
const WAL_WRITE_LOCK_BYTE = 120;

/**
 * Says what a failed SQLite call means for the store; any other error comes back as it is.
 *
 * Codes: `STORE_LOCKED`, `STORE_READ_ONLY`, `STORE_DENIED`, `STORE_FULL`, `STORE_IO`, `STORE_CORRUPT`.
 */
export function databaseError(error: unknown, path: string): unknown {
  const failure = (code: string, message: string, hint: string, kind: 'storage' | 'corrupt' = 'storage') =>
    new WinchError(code, `${message}: ${path}`, {kind, hint, cause: error});
  const code = resultCode(error);
  switch (code === SQLITE_IOERR_SHMSIZE ? SQLITE_FULL : primaryCode(code)) {
    case SQLITE_BUSY:
      return failure('STORE_LOCKED', `the database is locked by ${nameWriter(path)}`, 'wait for it to finish');
    case SQLITE_READONLY:
      return failure('STORE_READ_ONLY', 'the database cannot be written', 'choose a writable root');
    case SQLITE_CANTOPEN:
      return (
        longPathError(path) ??
        failure('STORE_DENIED', 'the database cannot be opened', 'check its owner, or choose another root')
      );
    case SQLITE_FULL:
      return failure('STORE_FULL', 'no space left for the database', 'free space there or choose another root');
    case SQLITE_IOERR:
      return failure('STORE_IO', 'the disk failed under the database', 'check the disk and its free space');
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return failure('STORE_CORRUPT', 'the database is damaged', 'move it away and pull again', 'corrupt');
    default:
      return error;
  }
}

/** Who writes, by the lock that writers to a write-ahead log hold (https://sqlite.org/walformat.html#locks). */
function nameWriter(path: string): string {
  const holder = findLockHolder({path: `${path}-shm`, offset: WAL_WRITE_LOCK_BYTE});
  return holder ? describeHolder(holder) : 'another process';
}

/** Whether SQLite could not open a file, or not for writing, or had no space for what readers share. */
export const isOpenFailure = (error: unknown): boolean =>
  [SQLITE_CANTOPEN, SQLITE_READONLY].includes(primaryCode(resultCode(error))) ||
  resultCode(error) === SQLITE_IOERR_SHMSIZE;

const resultCode = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;

/** An extended result code carries the primary one in its lowest byte. */
const primaryCode = (code: number): number => code & 0xff;
