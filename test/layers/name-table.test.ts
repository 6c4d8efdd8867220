import * as assert from 'uvu/assert';
import {createNameTable, NO_INODE} from '../../src/layers/name-table.ts';
import {describe} from '../helpers/suite.ts';

describe('layers/name-table', ({test}) => {
  test('finds what was set, by directory and name, through all its growth', () => {
    const names = createNameTable();
    for (let index = 0; index < 5000; index++) names.set(index % 7, `name-${index}`, index);
    for (let index = 0; index < 5000; index++) assert.is(names.get(index % 7, `name-${index}`), index);
    assert.is(names.get(1, 'name-0'), NO_INODE);
    assert.is(names.get(0, ''), NO_INODE);
  });

  test('gives a name to another inode and lists it once', () => {
    const names = createNameTable();
    names.set(3, 'a', 10);
    names.set(3, 'b', 11);
    names.set(3, 'a', 12);
    names.set(4, 'a', 13);
    const sorted = names.list(3).toSorted((one, two) => (one.name < two.name ? -1 : 1));
    assert.equal(sorted, [
      {name: 'a', inode: 12},
      {name: 'b', inode: 11},
    ]);
    assert.equal(names.list(5), []);
  });

  test('keeps every byte of a name', () => {
    const names = createNameTable();
    const name = String.fromCharCode(...Array.from({length: 255}, (_, index) => index + 1));
    names.set(0, name, 1);
    assert.equal(names.list(0), [{name, inode: 1}]);
  });
});
