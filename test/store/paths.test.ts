import * as assert from 'uvu/assert';
import {digestOf} from '../../src/oci/digest.ts';
import {storePaths} from '../../src/store/paths.ts';
import {describe} from '../helpers/suite.ts';

describe('store/paths', ({test}) => {
  test('keeps the blobs of both algorithms where an OCI layout has them', () => {
    const {blob} = storePaths('/root');
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const digest = digestOf(Buffer.from('x'), algorithm);
      assert.is(blob(digest), `/root/blobs/${digest.replace(':', '/')}`);
    }
  });

  test('gives every layer a directory of its own', () => {
    const digest = digestOf(Buffer.from('x'));
    assert.is(storePaths('/root').layer(digest), `/root/layers/${digest.replace(':', '/')}/layer.erofs`);
  });
});
