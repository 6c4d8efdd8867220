import * as assert from 'uvu/assert';
import {createDetachScanner, readDetachKeys} from '../../src/containers/detach-keys.ts';
import {describe} from '../helpers/suite.ts';

const keysOf = (words: string) => readDetachKeys(words) ?? Buffer.from('no keys');

const scan = (keys: string, ...pieces: readonly string[]) => {
  const scanner = createDetachScanner(keysOf(keys));
  let text = '';
  for (const piece of pieces) {
    const {bytes, isDetached} = scanner(Buffer.from(piece));
    text += Buffer.from(bytes).toString();
    if (isDetached) return `${text}|`;
  }
  return text;
};

describe('containers/detach-keys', ({test}) => {
  test('reads keys as docker names them', () => {
    assert.equal([...keysOf('ctrl-p,ctrl-q')], [16, 17]);
    assert.equal([...keysOf('CTRL-[,a,ctrl-@,ctrl-_')], [27, 97, 0, 31]);
    assert.equal([...keysOf('')], []);
    for (const wrong of ['ctrl-', 'ctrl-1', 'ab', 'a,', 'é']) assert.is(readDetachKeys(wrong), null, wrong);
  });

  test('finds them within a piece and across pieces', () => {
    assert.is(scan('ctrl-p,ctrl-q', 'ab\x10\x11cd'), 'ab|');
    assert.is(scan('ctrl-p,ctrl-q', 'ab\x10', '\x11'), 'ab|');
    assert.is(scan('a,b,c', 'xa', 'b', 'c'), 'x|');
  });

  test('passes on what only began like them', () => {
    assert.is(scan('ctrl-p,ctrl-q', 'a\x10', 'b'), 'a\x10b');
    assert.is(scan('ctrl-p,ctrl-q', '\x10\x10\x11'), '\x10|');
    assert.is(scan('a,b', 'aab', 'x'), 'a|');
    assert.is(scan('ctrl-p,ctrl-q', '\x11'), '\x11');
  });

  test('no keys detach from nothing', () => assert.is(scan('', 'a\x10\x11b'), 'a\x10\x11b'));
});
