import * as assert from 'uvu/assert';
import {errorReply} from '../../src/engine-api/api-error.ts';
import {WinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

describe('engine-api/api-error', ({test}) => {
  test('E05 says what is not there in the words that libraries look for', () => {
    const unknown = (code: string, details: Readonly<Record<string, string>>) =>
      errorReply(new WinchError(code, 'of winch', {kind: 'not-found', hint: 'look', details}));
    for (const [code, details, message] of [
      ['CONTAINER_UNKNOWN', {container: 'web'}, 'No such container: web'],
      ['IMAGE_UNKNOWN', {image: 'app:1'}, 'No such image: app:1'],
      ['NETWORK_UNKNOWN', {network: 'lan'}, 'network lan not found'],
      ['VOLUME_UNKNOWN', {volume: 'data'}, 'get data: no such volume'],
      ['PATH_UNKNOWN', {path: '/x', container: 'web'}, 'Could not find the file /x in container web'],
      ['IMAGE_UNKNOWN', {}, 'of winch: look'],
      ['TAG_UNKNOWN', {image: 'app:1'}, 'of winch: look'],
    ] as const) {
      assert.equal(unknown(code, details), {status: 404, message});
    }
  });

  test('E05 says what is in the way in the words that libraries look for', () => {
    const taken = new WinchError('NAME_IN_USE', 'of winch', {kind: 'runtime', details: {name: 'web', holder: 'abc'}});
    const {status, message} = errorReply(taken);
    assert.is(status, 409);
    assert.match(message, 'The container name "/web" is already in use by container "abc".');
    const details = {network: 'lan'};
    assert.equal(errorReply(new WinchError('NETWORK_EXISTS', 'of winch', {kind: 'invalid', details})), {
      status: 409,
      message: 'network with name lan already exists',
    });
  });

  test('tells nothing of what went wrong inside', () => {
    assert.not.match(errorReply(new TypeError('secret')).message, /secret/);
  });
});
