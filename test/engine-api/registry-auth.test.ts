import * as assert from 'uvu/assert';
import {readRegistryAuth} from '../../src/engine-api/registry-auth.ts';
import {isWinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

describe('engine-api/registry-auth', ({test}) => {
  const encode = (value: unknown, encoding: 'base64' | 'base64url' = 'base64url') =>
    Buffer.from(JSON.stringify(value)).toString(encoding);

  test('reads what docker sends, in either alphabet', () => {
    const login = {username: 'me', password: '>>>???', serveraddress: 'x'};
    for (const encoding of ['base64', 'base64url'] as const) {
      assert.equal(readRegistryAuth(encode(login, encoding)), {username: 'me', password: '>>>???'});
    }
    assert.equal(readRegistryAuth(encode({identitytoken: 't'})), {identityToken: 't'});
    assert.equal(readRegistryAuth(encode({registrytoken: 't'})), {registryToken: 't'});
  });

  test('finds no login in an empty one', () => {
    for (const header of [undefined, '', encode({}), encode({username: '', password: ''})]) {
      assert.is(readRegistryAuth(header), null);
    }
  });

  test('E05 refuses what is none, without repeating it', () => {
    for (const header of [
      '{"username":"secret"}',
      'c2VjcmV0',
      encode(['secret']),
      encode({username: 7}),
      'a'.repeat(1e5),
    ]) {
      assert.throws(
        () => readRegistryAuth(header),
        (error: unknown) => isWinchError(error, 'AUTH_HEADER_INVALID') && !String(error).includes('secret'),
      );
    }
  });
});
