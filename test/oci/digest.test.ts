import * as assert from 'uvu/assert';

import {isWinchError} from '../../src/errors.ts';
import {
  createDigester,
  digestAlgorithm,
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
  shortDigest,
} from '../../src/oci/digest.ts';
import {describe} from '../helpers/suite.ts';

const HEX = '0123456789abcdef'.repeat(4);
const ABC_SHA256 = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

const refused: readonly (readonly [title: string, value: unknown, message: RegExp])[] = [
  ['a path in place of the digits', 'sha256:../../x', /6|digits/],
  ['upper-case digits', `sha256:${HEX.toUpperCase()}`, /characters other than/],
  ['63 digits', `sha256:${HEX.slice(1)}`, /63 digits instead of 64/],
  ['65 digits', `sha256:${HEX}0`, /65 digits/],
  ['sha512 with the length of sha256', `sha512:${HEX}`, /instead of 128/],
  ['md5', `md5:${HEX.slice(32)}`, /neither sha256 nor sha512/],
  ['an upper-case algorithm', `SHA256:${HEX}`, /neither/],
  ['a compound algorithm', `sha256+b64:${HEX}`, /neither/],
  ['bare hexadecimal digits', HEX, /neither/],
  ['a newline at the end', `sha256:${HEX}\n`, /digits/],
  ['a blank in front', ` sha256:${HEX}`, /neither/],
  ['nothing', '', /neither/],
  ['null', null, /no string/],
  ['an object that prints as a digest', {toString: () => `sha256:${HEX}`}, /no string/],
];

describe('oci/digest', ({test}) => {
  for (const [title, value, message] of refused) {
    test(`refuses ${title}`, () => {
      assert.not(isDigest(value));
      assert.throws(
        () => parseDigest(value),
        (error: unknown) =>
          isWinchError(error, 'DIGEST_INVALID') && error.kind === 'refused' && message.test(error.message),
      );
    });
  }

  test('keeps the message of an endless digest short', () => {
    assert.throws(
      () => parseDigest(`sha256:${'f'.repeat(1_000_000)}`),
      (error: Error) => error.message.length < 300,
    );
  });

  test('accepts sha256 and sha512', () => {
    assert.is(parseDigest(`sha256:${HEX}`), `sha256:${HEX}`);
    assert.is(parseDigest(`sha512:${HEX}${HEX}`), `sha512:${HEX}${HEX}`);
  });

  test('takes a digest apart', () => {
    const digest = parseDigest(`sha512:${HEX}${HEX}`);
    assert.is(digestAlgorithm(digest), 'sha512');
    assert.is(digestAlgorithm(parseDigest(`sha256:${HEX}`)), 'sha256');
    assert.is(digestHex(digest), `${HEX}${HEX}`);
    assert.is(shortDigest(digest), '0123456789ab');
  });

  test('hashes bytes at once and in pieces to the same digest', () => {
    const digester = createDigester();
    digester.update(Buffer.from('a'));
    digester.update(Buffer.from('bc'));
    assert.is(digester.digest(), ABC_SHA256);
    assert.is(digestOf(Buffer.from('abc')), ABC_SHA256);
  });

  test('hashes with sha512', () => {
    const digester = createDigester('sha512');
    digester.update(Buffer.from('abc'));
    const digest = digester.digest();
    assert.ok(digest.startsWith('sha512:ddaf35a193617abacc417349ae204131'));
    assert.is(digest, digestOf(Buffer.from('abc'), 'sha512'));
    assert.ok(isDigest(digest));
  });
});
