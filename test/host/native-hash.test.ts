import * as assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {hashNatively} from '../../src/host/native-hash.ts';
import {describe} from '../helpers/suite.ts';

describe('host/native-hash', ({test}) => {
  test('hashes as node:crypto does, whatever the length', () => {
    for (const length of [0, 1, 55, 56, 64, 4095, 1_000_000]) {
      const bytes = Buffer.alloc(length, 'winch');
      assert.equal(hashNatively(bytes), createHash('sha256').update(bytes).digest('hex'), `${length} bytes`);
    }
  });

  test('hashes the part of a buffer that a view shows', () => {
    const bytes = Buffer.from('-abc-').subarray(1, 4);
    assert.equal(hashNatively(bytes), createHash('sha256').update('abc').digest('hex'));
  });
});
