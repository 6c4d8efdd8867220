import {constants} from 'node:os';
import {getSystemErrorMap} from 'node:util';
import * as assert from 'uvu/assert';
import {systemError} from '../../src/host/system-error.ts';
import {describe} from '../helpers/suite.ts';

describe('system errors', ({test}) => {
  test('are what Node says of the same numbers', () => {
    for (const [number, [code, text]] of getSystemErrorMap()) {
      const error = systemError(-number, 'openat', '/a');
      assert.equal(error.message, `${code}: ${text}, openat '/a'`);
      assert.equal([error.code, error.errno, error.path, error.syscall], [code, number, '/a', 'openat']);
    }
  });

  test('have a code where Node knows none', () => {
    assert.is(systemError(15, 'mount', '/a').code, 'ENOTBLK');
    assert.is(systemError(constants.errno.EDOM + 1000, 'mount', '/a').code, `E${constants.errno.EDOM + 1000}`);
  });
});
