import * as assert from 'uvu/assert';
import {humanBytes, humanDuration, shortDigest} from '../../../src/cli/render/human.ts';
import {safeJson, safeText} from '../../../src/cli/render/safe-text.ts';
import {renderTable} from '../../../src/cli/render/table.ts';
import {humanAge} from '../../../src/docker-json/age.ts';
import {describe} from '../../helpers/suite.ts';
import {NOW} from '../samples.ts';

describe('cli/render/safe-text', ({test}) => {
  const cases: readonly (readonly [what: string, text: string, safe: string])[] = [
    ['plain text alone', 'alpine:3.20 ä 漢 🙂', 'alpine:3.20 ä 漢 🙂'],
    ['escape sequences', '\x1b[2J\x1b]52;c;aGk=\x07', '\\x1b[2J\\x1b]52;c;aGk=\\x07'],
    ['line ends, which could forge a line', 'a\r\nb\tc', 'a\\x0d\\x0ab\\x09c'],
    ['C1 controls and DEL', '\x9b31m\x7f', '\\x9b31m\\x7f'],
    ['bidi controls', 'a\u202eb\u2066', 'a\\u{202e}b\\u{2066}'],
    ['zero-width characters', 'a\u200bb\ufeff', 'a\\u{200b}b\\u{feff}'],
    ['line separators', 'a\u2028b', 'a\\u{2028}b'],
    ['tag characters', 'a\u{e0041}', 'a\\u{e0041}'],
    ['lone surrogates', 'a\ud800', 'a\\u{d800}'],
  ];
  for (const [what, text, safe] of cases) test(`escapes: ${what}`, () => assert.is(safeText(text), safe));

  test('prints JSON that means the same and holds nothing that a terminal obeys', () => {
    const value = {a: '\x1b\x9b\u202e\u2028\u{e0041}\n', '\u200b': [1, null]};
    const json = safeJson(value);
    assert.equal(JSON.parse(json), value);
    assert.is(safeText(json), json);
  });
});

describe('cli/render/human', ({test}) => {
  const sizes: readonly (readonly [number, string])[] = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [1234, '1.23kB'],
    [999_999, '1MB'],
    [187_400_000, '187MB'],
    [1_230_000_000, '1.23GB'],
    [2 ** 53, '9.01PB'],
  ];
  for (const [bytes, text] of sizes) test(`writes ${bytes} bytes as ${text}`, () => assert.is(humanBytes(bytes), text));

  const ages: readonly (readonly [string | null, string])[] = [
    ['2026-01-14T23:59:59Z', '1 second ago'],
    ['2026-01-14T23:50:00Z', '10 minutes ago'],
    ['2026-01-14T00:00:00Z', '24 hours ago'],
    ['2026-01-05T00:00:00Z', '10 days ago'],
    ['2025-12-15T00:00:00Z', '4 weeks ago'],
    ['2025-06-15T00:00:00Z', '7 months ago'],
    ['1970-01-01T00:00:00Z', '56 years ago'],
    ['2027-01-01T00:00:00Z', '0 seconds ago'],
    ['0001-01-01T00:00:00Z', 'N/A'],
    ['yesterday', 'N/A'],
    [null, 'N/A'],
  ];
  const durations: readonly (readonly [seconds: number, text: string])[] = [
    [0, '0s'],
    [0.44, '0.4s'],
    [3, '3s'],
    [59.6, '1m00s'],
    [65, '1m05s'],
    [3600, '1h00m'],
    [7384, '2h03m'],
    [274_000, '3d04h'],
  ];
  for (const [seconds, text] of durations)
    test(`writes ${seconds} seconds as ${text}`, () => assert.is(humanDuration(seconds), text));

  for (const [time, text] of ages) test(`writes ${time} as ${text}`, () => assert.is(humanAge(time, NOW), text));

  test('shortens digests to twelve digits', () => assert.is(shortDigest(`sha256:${'ab'.repeat(32)}`), 'abababababab'));
});

describe('cli/render/table', ({test}) => {
  test('aligns columns and ends no line with blanks', () => {
    assert.is(
      renderTable(
        ['A', 'LONG', 'C'],
        [
          ['wide cell', 'x', ''],
          ['y', 'z', 'w'],
        ],
      ),
      'A           LONG   C\nwide cell   x\ny           z      w',
    );
  });

  test('a table may have more rows than a call may have arguments', () => {
    const rows = Array.from({length: 200_000}, (_, number) => ['row', String(number)]);
    assert.is(renderTable(['A', 'B'], rows).split('\n').length, rows.length + 1);
  });
});
