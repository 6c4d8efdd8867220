import * as assert from 'uvu/assert';
import {randomHex} from '../../src/host/random-hex.ts';
import {describe} from '../helpers/suite.ts';

describe('host/random-hex', ({test}) => {
  test('has two letters for each byte, and never the same', () => {
    const drawn = Array.from({length: 100}, () => randomHex(8));
    assert.ok(drawn.every((hex) => /^[0-9a-f]{16}$/.test(hex)));
    assert.is(new Set(drawn).size, 100);
  });
});
