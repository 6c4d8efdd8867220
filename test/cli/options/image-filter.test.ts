import * as assert from 'uvu/assert';
import {parseImageFilter} from '../../../src/cli/options/image-filter.ts';
import {describe} from '../../helpers/suite.ts';
import {messageOf} from '../message-of.ts';
import {summaryOf} from '../samples.ts';

const IMAGES = [
  summaryOf('alpine', '3.20'),
  summaryOf('debian', 'trixie'),
  summaryOf('127.0.0.1:5000/team/app', '1'),
  summaryOf(null, null),
];

const shown = (...filters: readonly string[]) =>
  IMAGES.filter(parseImageFilter(filters)).map(({reference}) => reference);

describe('cli/options/image-filter', ({test}) => {
  test('shows all without a filter', () => assert.is(shown().length, 4));

  test('matches a repository alone or with its tag', () => {
    assert.equal(shown('reference=alpine'), ['alpine:3.20']);
    assert.equal(shown('reference=alpine:3.*'), ['alpine:3.20']);
    assert.equal(shown('reference=alpine:4'), []);
    assert.equal(shown('reference=alpin?'), ['alpine:3.20']);
  });

  test('keeps a star within one path component', () => {
    assert.equal(shown('reference=*'), ['alpine:3.20', 'debian:trixie']);
    assert.equal(shown('reference=*/*/app'), ['127.0.0.1:5000/team/app:1']);
  });

  test('takes other characters as they are', () => {
    assert.equal(shown('reference=alpine:3x20'), []);
    assert.equal(shown('reference=(alpine|debian)'), []);
  });

  test('joins filters of one key by or, of two by and', () => {
    assert.equal(shown('reference=alpine', 'reference=debian'), ['alpine:3.20', 'debian:trixie']);
    assert.equal(shown('reference=alpine', 'dangling=true'), []);
  });

  test('knows images without a name', () => assert.equal(shown('dangling=true'), [null]));

  for (const filter of ['', 'alpine', 'label=x', 'dangling=maybe', '=x']) {
    test(`refuses "${filter}"`, () =>
      assert.match(
        messageOf(() => shown(filter)),
        'FLAG_INVALID: --filter',
      ));
  }
});
