import * as assert from 'uvu/assert';
import {compilePathPattern, isPathPattern} from '../../src/images/path-pattern.ts';
import {describe} from '../helpers/suite.ts';

const PATHS = [
  '/',
  '/etc',
  '/etc/a.conf',
  '/etc/d/b.conf',
  '/etc/d/e/c.conf',
  '/usr/lib/x.so',
  '/usr/lib/x.so.1',
  '/a+b',
  '/[x]',
];

const ROWS: readonly (readonly [pattern: string, paths: readonly string[]])[] = [
  ['*.so', ['/usr/lib/x.so']],
  ['x.so*', ['/usr/lib/x.so', '/usr/lib/x.so.1']],
  ['/etc/*.conf', ['/etc/a.conf']],
  ['etc/*', ['/etc/a.conf']],
  ['/etc/**/*.conf', ['/etc/a.conf', '/etc/d/b.conf', '/etc/d/e/c.conf']],
  ['/etc/**', ['/etc/a.conf', '/etc/d/b.conf', '/etc/d/e/c.conf']],
  ['?.conf', ['/etc/a.conf', '/etc/d/b.conf', '/etc/d/e/c.conf']],
  ['[a-b].conf', ['/etc/a.conf', '/etc/d/b.conf']],
  ['[!a].conf', ['/etc/d/b.conf', '/etc/d/e/c.conf']],
  ['/usr?lib/x.so', []],
  ['/usr[/]lib/x.so', []],
  ['/usr[!a]lib/x.so', []],
  ['?+b', ['/a+b']],
  ['[[]x]', ['/[x]']],
  ['*.(so|conf)', []],
  ['[', []],
  ['[]', []],
];

describe('images/path-pattern', ({test}) => {
  for (const [pattern, expected] of ROWS) {
    test(`${pattern} means ${expected.length} of the paths`, () => {
      assert.ok(isPathPattern(pattern));
      assert.equal(PATHS.filter(compilePathPattern(pattern)), expected);
    });
  }

  test('no text is too odd for it', () => {
    for (const text of ['[z-a]', '[\\', '[^]', '[a]]', '*'.repeat(200), '(?', 'a{3}*', '\u{d800}*', '[\\d]', '[--/]']) {
      assert.type(compilePathPattern(text)('/a'), 'boolean', text);
    }
  });

  test('a path is no pattern', () => {
    assert.not(isPathPattern('/etc/a.conf'));
    assert.not(isPathPattern('/a+b'));
  });
});
