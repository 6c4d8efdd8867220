import * as assert from 'uvu/assert';
import {compileReferencePattern} from '../../src/images/reference-pattern.ts';
import {describe} from '../helpers/suite.ts';

const NAMES = ['alpine', 'alpine:3.20', 'debian:trixie', '127.0.0.1:5000/team/app', '127.0.0.1:5000/team/app:1'];

describe('images/reference-pattern', ({test}) => {
  const matched = (pattern: string) => NAMES.filter(compileReferencePattern(pattern));

  test('matches whole names', () => {
    assert.equal(matched('alpine'), ['alpine']);
    assert.equal(matched('alpine:3.*'), ['alpine:3.20']);
    assert.equal(matched('alpin?'), ['alpine']);
    assert.equal(matched('lpine'), []);
  });

  test('keeps a star within one path component', () => {
    assert.equal(matched('*'), ['alpine', 'alpine:3.20', 'debian:trixie']);
    assert.equal(matched('*/*/app'), ['127.0.0.1:5000/team/app']);
  });

  test('takes other characters as they are', () => {
    assert.equal(matched('alpine:3x20'), []);
    assert.equal(matched('(alpine|debian)'), []);
  });
});
