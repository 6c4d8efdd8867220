import {hasErrno, WinchError} from '../errors.ts';

/**
 * Says what a failed disk operation means for the store; any other error comes back as it is.
 *
 * Codes: `STORE_FULL` (ENOSPC, EDQUOT), `STORE_READ_ONLY` (EROFS), `STORE_DENIED` (EACCES, EPERM), `STORE_IO` (EIO).
 */
export function storageError(error: unknown, path: string): unknown {
  if (hasErrno(error, 'ENOSPC', 'EDQUOT')) {
    return failure('STORE_FULL', `no space left for ${path}`, 'free space there or choose another root', error);
  }
  if (hasErrno(error, 'EROFS')) {
    return failure('STORE_READ_ONLY', `${path} is on a read-only file system`, 'choose a writable root', error);
  }
  if (hasErrno(error, 'EACCES', 'EPERM')) {
    return failure('STORE_DENIED', `no permission for ${path}`, 'run as its owner or choose another root', error);
  }
  if (hasErrno(error, 'EIO')) {
    return failure('STORE_IO', `the disk failed at ${path}`, 'check the disk; nothing was recorded', error);
  }
  return error;
}

const failure = (code: string, message: string, hint: string, cause: unknown) =>
  new WinchError(code, message, {kind: 'storage', hint, cause});
