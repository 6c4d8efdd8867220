import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {readVerified} from '../../src/store/verified-read.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('store/verified-read', ({test}) => {
  const bytes = Buffer.from('document');
  const digest = digestOf(bytes);
  const codeOf = (path: string, limitBytes = 100): string => {
    try {
      readVerified(path, digest, limitBytes);
    } catch (error) {
      if (isWinchError(error)) return error.code;
      throw error;
    }
    return 'read';
  };

  test('reads what has its digest, up to its limit', () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'blob');
    writeFileSync(path, bytes);
    assert.equal(readVerified(path, digest, bytes.length), bytes);
    assert.is(codeOf(path, bytes.length - 1), 'LIMIT_BLOB');
  });

  test('tells a damaged blob from a missing one', () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'blob');
    assert.is(codeOf(path), 'BLOB_MISSING');
    assert.is(codeOf(join(path, 'below')), 'BLOB_MISSING');
    for (const damage of ['', 'Document', 'document\0']) {
      writeFileSync(path, damage);
      assert.is(codeOf(path), 'STORE_CORRUPT');
    }
  });
});
