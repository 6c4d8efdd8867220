import {randomBytes} from 'node:crypto';
import * as assert from 'uvu/assert';
import {requireValidName} from '../../src/containers/names.ts';
import {nameFromId, randomName} from '../../src/containers/random-name.ts';
import {describe} from '../helpers/suite.ts';

describe('containers/random-name', ({test}) => {
  test('is a name that containers may have, and seldom the same twice', () => {
    const names = Array.from({length: 400}, () => randomName());
    for (const name of names) {
      requireValidName(name);
      assert.match(name, /^[a-z]+_[a-z]+$/);
    }
    assert.ok(new Set(names).size > 350, `${new Set(names).size}`);
  });

  test('follows from an id, where nobody looks whether it is taken', () => {
    const ids = Array.from({length: 400}, () => randomBytes(32).toString('hex'));
    const names = ids.map(nameFromId);
    for (const name of names) {
      requireValidName(name);
      assert.match(name, /^[a-z]+_[a-z]+\d{1,4}$/);
    }
    assert.equal(ids.map(nameFromId), names);
    assert.ok(new Set(names).size > 395, `${new Set(names).size}`);
  });

  test('gets a number where many are taken', () => {
    const names = Array.from({length: 400}, () => randomName(3));
    for (const name of names) assert.match(name, /^[a-z]+_[a-z]+\d{1,4}$/);
    assert.ok(new Set(names).size > 395, `${new Set(names).size}`);
  });
});
