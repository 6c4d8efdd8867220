import * as assert from 'uvu/assert';
import {releaseAtEnd, releaseWhole} from '../../src/host/release-memory.ts';
import {describe} from '../helpers/suite.ts';

const PIECE_BYTES = 16 * 1024;

describe('host/release-memory', ({test}) => {
  test('gives back a chunk that has its buffer to itself', () => {
    const chunk = Buffer.allocUnsafeSlow(PIECE_BYTES);
    releaseWhole(chunk);
    assert.is(chunk.length, 0);
  });

  test('leaves a chunk alone that ends a buffer of several, as one from a pool may', () => {
    const pool = Buffer.allocUnsafeSlow(4 * PIECE_BYTES);
    const [first, last] = [pool.subarray(0, PIECE_BYTES), pool.subarray(PIECE_BYTES)];
    releaseWhole(last);
    assert.is(first.length, PIECE_BYTES);
  });

  test('gives back a buffer that is read from front to back, with its last chunk', () => {
    const buffer = Buffer.allocUnsafeSlow(4 * PIECE_BYTES);
    const [first, last] = [buffer.subarray(0, PIECE_BYTES), buffer.subarray(PIECE_BYTES)];
    releaseAtEnd(first, buffer.length);
    assert.is(last.length, 3 * PIECE_BYTES);
    releaseAtEnd(last, buffer.length);
    assert.is(first.length + last.length, 0);
  });
});
