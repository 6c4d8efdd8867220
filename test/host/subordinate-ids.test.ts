import * as assert from 'uvu/assert';
import {findRange} from '../../src/host/subordinate-ids.ts';
import {describe} from '../helpers/suite.ts';

const account = {uid: 1000, name: 'alice'};

describe('host/subordinate-ids', ({test}) => {
  test('finds the ranges of an account by name and by number, the largest of several', () => {
    assert.equal(findRange('bob:1:2\nalice:100000:65536\n', account), {start: 100_000, count: 65_536});
    assert.equal(findRange('1000:5:10\n', account), {start: 5, count: 10});
    assert.equal(findRange('alice:5:10\n1000:100:20\nalice:7:3', account), {start: 100, count: 20});
  });

  test('takes nothing from others, from comments and from what is no range', () => {
    const text = '# alice:1:2\nalicea:1:2\nalice:x:2\nalice:1\nalice:1:0\nalice:99999999999:5\n10000:1:2';
    assert.is(findRange(text, account), null);
    assert.is(findRange('null:1:2\n', {uid: 7, name: null}), null);
  });
});
