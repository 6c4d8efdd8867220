import * as assert from 'uvu/assert';

import {excerpt} from '../../src/oci/excerpt.ts';
import {describe} from '../helpers/suite.ts';

describe('oci/excerpt', ({test}) => {
  test('quotes short text as it is', () => assert.is(excerpt('a b'), '"a b"'));

  test('cuts long text and shows that it did', () => {
    assert.is(excerpt('x'.repeat(120)), `"${'x'.repeat(120)}"`);
    assert.is(excerpt('x'.repeat(121)), `"${'x'.repeat(120)}…"`);
  });
});
