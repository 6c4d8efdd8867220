import * as assert from 'uvu/assert';
import {createRlimits, type HardLimits} from '../../src/bundle/rlimits.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const limit = (name: string, soft: number, hard: number, own: HardLimits | null = null) =>
  createRlimits({ulimits: [{name, soft, hard}]}, own);

describe('bundle/rlimits', ({test}) => {
  test('sets only what is asked, exactly', () => {
    assert.equal(createRlimits({}, {}), []);
    assert.equal(limit('nofile', 1024, 4096), [{type: 'RLIMIT_NOFILE', soft: 1024n, hard: 4096n}]);
    assert.is(limit('core', 0, -1)[0]?.hard, 18446744073709551615n);
  });

  test('refuses unknown names, fractions, negative numbers and a soft limit above the hard one', () => {
    const bad: [string, number, number][] = [
      ['NOFILE', 1, 1],
      ['files', 1, 1],
      ['nofile', 1.5, 2],
      ['nofile', -2, 2],
      ['nofile', 3, 2],
      ['nofile', -1, 2],
    ];
    for (const [name, soft, hard] of bad) {
      assert.is(
        codeOf(() => limit(name, soft, hard)),
        'ULIMIT_INVALID',
        `${name} ${soft} ${hard}`,
      );
    }
  });

  test('refuses to go above what this process may, and says how much that is', () => {
    const own = {nofile: 20_000, core: Infinity};
    assert.is(
      codeOf(() => limit('nofile', 1, 20_001, own)),
      'ULIMIT_TOO_HIGH',
    );
    assert.is(
      codeOf(() => limit('nofile', 1, -1, own)),
      'ULIMIT_TOO_HIGH',
    );
    assert.throws(() => limit('nofile', 1, 30_000, own), /nofile=30000 is above .* 20000$/);
    assert.is(limit('nofile', 1, 20_000, own).length, 1);
    assert.is(limit('core', -1, -1, own).length, 1);
  });
});
