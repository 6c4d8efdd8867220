import * as assert from 'uvu/assert';
import {parsePruneFilters} from '../../../src/cli/options/prune-filter.ts';
import {isWinchError} from '../../../src/errors.ts';
import {describe} from '../../helpers/suite.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const HOUR = 3_600_000;
const isFlagInvalid = (error: unknown) => isWinchError(error, 'FLAG_INVALID');

describe('cli/options/prune-filter', ({test}) => {
  const times: readonly [string, number][] = [
    ['24h', NOW - 24 * HOUR],
    ['1h30m', NOW - 1.5 * HOUR],
    ['1.5h', NOW - 1.5 * HOUR],
    ['7d', NOW - 7 * 24 * HOUR],
    ['2026-01-31', NOW - 12 * HOUR],
    ['2026-01-31T11:00:00Z', NOW - HOUR],
    ['2026-01-31T13:00:00+02:00', NOW - HOUR],
    [String(NOW / 1000), NOW],
  ];
  for (const [text, time] of times) {
    test(`reads until=${text}`, () => {
      assert.equal(parsePruneFilters([`until=${text}`], NOW), {createdBefore: time, labels: []});
    });
  }

  test('reads labels, with and without value, wanted and unwanted', () => {
    assert.equal(parsePruneFilters(['label=a', 'label=b=c=d', 'label!=e', 'label!=f='], NOW), {
      labels: [
        {name: 'a', value: null, isExcluded: false},
        {name: 'b', value: 'c=d', isExcluded: false},
        {name: 'e', value: null, isExcluded: true},
        {name: 'f', value: '', isExcluded: true},
      ],
    });
  });

  for (const word of ['until=', 'until=soon', 'until=5y', 'until=2026-13-01', 'label=', 'dangling=true', 'x']) {
    test(`refuses ${word}`, () => {
      assert.throws(() => parsePruneFilters([word], NOW), isFlagInvalid);
    });
  }

  test('refuses two times', () => {
    assert.throws(() => parsePruneFilters(['until=1h', 'until=2h'], NOW), isFlagInvalid);
  });
});
