import * as assert from 'uvu/assert';
import {isWinchError, WinchError} from '../../src/errors.ts';
import {storageError} from '../../src/host/storage-error.ts';
import {describe} from '../helpers/suite.ts';

const CODES = {
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
  EFBIG: 'STORE_FULL',
  EROFS: 'STORE_READ_ONLY',
  EACCES: 'STORE_DENIED',
  EPERM: 'STORE_DENIED',
  EIO: 'STORE_IO',
  ENOTCONN: 'STORE_IO',
  ESTALE: 'STORE_IO',
  EMFILE: 'FILES_LIMIT',
  ENFILE: 'FILES_LIMIT',
  ENAMETOOLONG: 'STORE_PATH',
  ELOOP: 'STORE_PATH',
  ENOTDIR: 'STORE_PATH',
};

describe('host/storage-error', ({test}) => {
  const systemError = (code: string) => Object.assign(new Error(code), {code});

  test('names the path, says what to do and keeps the cause', () => {
    for (const [errno, code] of Object.entries(CODES)) {
      const cause = systemError(errno);
      const error = storageError(cause, '/store');
      if (!isWinchError(error, code)) throw error;
      assert.is(error.kind, code === 'STORE_PATH' ? 'invalid' : 'storage');
      assert.match(error.message, '/store');
      assert.ok(error.hint);
      assert.is(error.cause, cause);
    }
  });

  test('gives back what it does not know', () => {
    const unknown = [systemError('ENOENT'), new WinchError('X', 'x', {kind: 'invalid'}), 'text', null];
    for (const error of unknown) assert.is(storageError(error, '/store'), error);
  });
});
