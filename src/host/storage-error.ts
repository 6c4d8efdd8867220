import {hasErrno, WinchError} from '../errors.ts';

/**
 * Says what a failed disk operation means for the store; any other error comes back as it is.
 *
 * Codes: `STORE_FULL` (ENOSPC, EDQUOT, EFBIG), `STORE_READ_ONLY` (EROFS), `STORE_DENIED` (EACCES, EPERM), `STORE_IO` (EIO, and
 * what a file system says whose server or process is gone), `FILES_LIMIT` (EMFILE, ENFILE), `STORE_PATH` (ENAMETOOLONG,
 * ELOOP, ENOTDIR).
 */
export function storageError(error: unknown, path: string): unknown {
  if (hasErrno(error, 'ENOSPC', 'EDQUOT')) {
    return failure('STORE_FULL', `no space left for ${path}`, 'free space there or choose another root', error);
  }
  if (hasErrno(error, 'EFBIG')) {
    const hint = 'raise the limit (ulimit -f), or choose a root on another file system';
    return failure('STORE_FULL', `${path} would become larger than a file may be here`, hint, error);
  }
  if (hasErrno(error, 'EROFS')) {
    return failure('STORE_READ_ONLY', `${path} is on a read-only file system`, 'choose a writable root', error);
  }
  if (hasErrno(error, 'EACCES', 'EPERM')) {
    return failure('STORE_DENIED', `no permission for ${path}`, 'run as its owner or choose another root', error);
  }
  if (hasErrno(error, 'EIO', 'ENOTCONN', 'ESTALE', 'ENXIO', 'ESHUTDOWN')) {
    return failure('STORE_IO', `the disk failed at ${path}`, 'check the disk; nothing was recorded', error);
  }
  if (hasErrno(error, 'EMFILE', 'ENFILE')) {
    return failure('FILES_LIMIT', `too many open files at ${path}`, 'allow this process more of them', error);
  }
  if (hasErrno(error, 'ENAMETOOLONG', 'ELOOP', 'ENOTDIR')) {
    const hint = 'choose another place';
    return new WinchError('STORE_PATH', `${path} cannot be used: ${REASONS[error.code ?? '']}`, {
      kind: 'invalid',
      hint,
      cause: error,
    });
  }
  return error;
}

const REASONS: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'it is too long',
  ELOOP: 'its links lead in a circle',
  ENOTDIR: 'a part of it is no directory',
};

const failure = (code: string, message: string, hint: string, cause: unknown) =>
  new WinchError(code, message, {kind: 'storage', hint, cause});
