import * as assert from 'uvu/assert';

import {isWinchError} from '../../src/errors.ts';
import {parseStrictJson, refuseCaseTwins} from '../../src/oci/strict-json.ts';
import {describe} from '../helpers/suite.ts';

const LIMIT_BYTES = 4 * 1024 * 1024;
const parse = (text: string | Uint8Array): unknown =>
  parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text, {what: 'document', limitBytes: LIMIT_BYTES});

const refused: readonly (readonly [title: string, text: string | Uint8Array, code: string, message: RegExp])[] = [
  ['a key twice', '{"a":1,"b":2,"a":3}', 'JSON_AMBIGUOUS', /key "a" twice/],
  ['a key twice far down', '[{"x":[{"y":{"k":1,"k":1}}]}]', 'JSON_AMBIGUOUS', /key "k" twice/],
  ['a key twice, once escaped', '{"layers":1,"\\u006cayers":2}', 'JSON_AMBIGUOUS', /key "layers" twice/],
  ['a key twice around nested objects', '{"a":{"b":[1,{"c":":"}]},"a":1}', 'JSON_AMBIGUOUS', /key "a" twice/],
  ['an empty key twice', '{"":1,"":2}', 'JSON_AMBIGUOUS', /key "" twice/],
  ['a key __proto__', '{"__proto__":{"isAdmin":true}}', 'JSON_INVALID', /__proto__/],
  ['an escaped key __proto__', '{"a":{"\\u005f_proto__":1}}', 'JSON_INVALID', /__proto__/],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'JSON_INVALID', /not UTF-8/],
  ['half a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'JSON_INVALID', /not UTF-8/],
  ['a byte order mark', '\ufeff{}', 'JSON_INVALID', /not JSON/],
  ['an empty document', '', 'JSON_INVALID', /not JSON/],
  ['two documents', '{}{}', 'JSON_INVALID', /not JSON/],
  ['a comment', '{} // x', 'JSON_INVALID', /not JSON/],
  ['a half document', '{"a":', 'JSON_INVALID', /not JSON/],
  ['lists nested 65 deep', `${'['.repeat(65)}${']'.repeat(65)}`, 'JSON_INVALID', /deeper than 64/],
  ['lists nested a million deep', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`, 'JSON_INVALID', /deeper/],
  ['one byte too many', `"${'x'.repeat(LIMIT_BYTES - 1)}"`, 'JSON_TOO_LARGE', /larger than 4194304 bytes/],
];

const accepted: readonly (readonly [title: string, text: string])[] = [
  ['equal keys in different objects', '[{"a":1},{"a":{"a":[{"a":2}]}}]'],
  ['keys that look like structure', '{"{":1,"}":2,"[":3,":":4,",":5,"\\"":6,"\\\\":7}'],
  ['values that look like keys', '{"a":"b","b":"a","c":["a","a:","\\"a\\":"]}'],
  ['keys that differ by case', '{"a":1,"A":2}'],
  ['blanks between all tokens', ' { "a" : [ 1 , { "b" : null } ] , "c" : true } '],
  ['64 levels', `${'['.repeat(64)}${']'.repeat(64)}`],
  ['a scalar', '"text"'],
];

describe('oci/strict-json', ({test}) => {
  for (const [title, text, code, message] of refused) {
    test(`refuses ${title}`, () => {
      assert.throws(
        () => parse(text),
        (error: unknown) => isWinchError(error, code) && error.kind === 'refused' && message.test(error.message),
      );
    });
  }

  for (const [title, text] of accepted) {
    test(`reads ${title} as JSON.parse does`, () => assert.equal(parse(text), JSON.parse(text)));
  }

  test('throws the codes of its caller', () => {
    const codes = {invalid: 'A', tooLarge: 'B', ambiguous: 'C'};
    const codeOf = (text: string, limitBytes: number) => {
      try {
        parseStrictJson(Buffer.from(text), {what: 'x', limitBytes, codes});
      } catch (error) {
        return isWinchError(error) ? error.code : error;
      }
      return undefined;
    };
    assert.equal([codeOf('{', 9), codeOf('{}', 1), codeOf('{"a":1,"a":1}', 99)], ['A', 'B', 'C']);
  });

  test('reads 4 MiB of small objects in seconds, however busy the machine', () => {
    const text = `[${Array.from({length: 200_000}, (_, at) => `{"k${at}":"\\\\"}`).join(',')}]`;
    assert.ok(text.length < LIMIT_BYTES);
    const started = process.cpuUsage();
    assert.is((parse(text) as unknown[]).length, 200_000);
    assert.ok(process.cpuUsage(started).user < 5_000_000);
  });

  test('refuses keys that another parser reads as a known key', () => {
    for (const twin of ['Layers', 'LAYERS', 'layer\u017f']) {
      assert.throws(
        () => refuseCaseTwins({layers: [], [twin]: []}, ['layers'], {where: 'manifest', code: 'TWIN'}),
        (error: unknown) => isWinchError(error, 'TWIN') && error.message.includes(twin),
      );
    }
    assert.throws(() => refuseCaseTwins({'\u212aind': 1}, ['kind'], {where: 'x', code: 'TWIN'}));
  });

  test('lets known and unrelated keys by', () => {
    refuseCaseTwins({layers: [], layer: 1, 'io.example/LAYERS': 2}, ['layers'], {where: 'manifest', code: 'TWIN'});
  });
});
