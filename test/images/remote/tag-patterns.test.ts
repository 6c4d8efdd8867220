import * as assert from 'uvu/assert';
import {compileTagPatterns, sortByVersion} from '../../../src/images/remote/tag-patterns.ts';
import {codeOf} from '../../helpers/code-of.ts';
import {describe} from '../../helpers/suite.ts';

const TAGS = ['latest', '1', '1.2', 'v1.2.3', '1.10', '1.2-alpine', '2.0.0-rc.1', '2.0.0_build.7', 'sha-abc', '01.x'];

describe('images/remote/tag-patterns', ({test}) => {
  const cases: readonly (readonly [readonly string[], readonly string[], readonly string[]])[] = [
    [[], [], TAGS],
    [['1*'], [], ['1', '1.2', '1.10', '1.2-alpine']],
    [['1.?'], [], ['1.2']],
    [['*alpine', 'latest'], [], ['latest', '1.2-alpine']],
    [['*.*.*'], ['*rc*'], ['v1.2.3', '2.0.0_build.7']],
    [[], ['*[0-9]*', '*.*'], ['latest', '1', 'sha-abc']],
    [['semver:>=1.2'], [], ['1.2', 'v1.2.3', '1.10', '2.0.0_build.7']],
    [['semver:^1.2'], [], ['1.2', 'v1.2.3', '1.10']],
    [['semver:>=1.2 <1.5 || 2'], [], ['1.2', 'v1.2.3', '2.0.0_build.7']],
    [['semver:>=2.0.0-rc.0 <3'], [], ['2.0.0-rc.1', '2.0.0_build.7']],
    [['semver:*'], ['semver:1.x'], ['2.0.0_build.7']],
    [['semver:1.x', 'latest'], ['1'], ['latest', '1.2', 'v1.2.3', '1.10']],
  ];
  for (const [include, exclude, expected] of cases) {
    test(`keeps ${expected.length} tags for +[${include.join(', ')}] -[${exclude.join(', ')}]`, () => {
      assert.equal(compileTagPatterns({include, exclude})(TAGS), expected);
    });
  }

  test('takes all of an asterisk and none of what merely resembles it', () => {
    assert.equal(compileTagPatterns({include: ['**a**']})(['a', 'ba', 'ab', 'b', '']), ['a', 'ba', 'ab']);
    assert.equal(compileTagPatterns({include: ['a.b']})(['a.b', 'aXb']), ['a.b']);
    assert.equal(compileTagPatterns({include: ['1.2']})(['1.2', '1.20', '11.2']), ['1.2']);
  });

  test('needs no more than an instant for a pattern made to take for ever', () => {
    const tags = Array.from({length: 1000}, () => 'a'.repeat(128));
    assert.equal(compileTagPatterns({include: [`${'*a'.repeat(60)}b`]})(tags), []);
  });

  test('refuses what is no pattern', () => {
    for (const pattern of ['', 'semver:nonsense', 'semver:>=1.2.3.4', '*'.repeat(257)]) {
      assert.is(
        codeOf(() => compileTagPatterns({exclude: [pattern]})),
        'TAG_PATTERN_INVALID',
        pattern,
      );
    }
  });

  test('sorts by version, what is none first', () => {
    assert.equal(sortByVersion(['1.10', 'latest', 'v1.9', '2.0.0-rc.1', '2', 'beta', '1.9.1']), [
      'beta',
      'latest',
      'v1.9',
      '1.9.1',
      '1.10',
      '2.0.0-rc.1',
      '2',
    ]);
  });

  test('survives numbers that no version can hold', () => {
    const tags = ['999999999999999.999999999999999.999999999999999', '20240101000000000000', `1.${'0'.repeat(100)}`];
    assert.equal(sortByVersion(tags).toSorted(), tags.toSorted());
    assert.equal(compileTagPatterns({include: ['semver:*']})(['1.2-01', '1.2-a..b', '1']), ['1']);
  });
});
