import * as assert from 'uvu/assert';
import {parseMoment} from '../../../src/cli/options/moment.ts';
import {describe} from '../../helpers/suite.ts';

const NOW = new Date('2026-01-31T12:00:00Z');

describe('cli/options/moment', ({test}) => {
  const moments: readonly (readonly [string, string])[] = [
    ['2026-01-30', '2026-01-30T00:00:00.000Z'],
    ['2026-01-30T10:00:00.5Z', '2026-01-30T10:00:00.500Z'],
    ['2026-01-30T10:00:00+02:00', '2026-01-30T08:00:00.000Z'],
    ['1769860800', '2026-01-31T12:00:00.000Z'],
    ['1769860800.25', '2026-01-31T12:00:00.250Z'],
    ['10m', '2026-01-31T11:50:00.000Z'],
    ['1h30m0.5s', '2026-01-31T10:29:59.500Z'],
    ['2d', '2026-01-29T12:00:00.000Z'],
  ];
  for (const [word, expected] of moments) {
    test(`reads ${word}`, () => assert.is(parseMoment('--since', word, NOW).toISOString(), expected));
  }

  for (const word of ['', 'yesterday', '-5m', '5 m', '2026-13-01', '1h30']) {
    test(`refuses "${word}"`, () =>
      assert.throws(
        () => parseMoment('--since', word, NOW),
        (error: Error & {code?: string}) => error.code === 'FLAG_INVALID',
      ));
  }
});
