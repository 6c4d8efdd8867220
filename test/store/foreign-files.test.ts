import * as assert from 'node:assert/strict';
import {mkdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {mayHoldForeignFiles} from '../../src/store/foreign-files.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const LONGEST_NAME = 255;

describe('store/foreign-files', ({test}) => {
  test('S15 what cannot be a store holds no files of others', () => {
    using directory = makeTemporaryDirectory();
    const circle = join(directory.path, 'circle');
    symlinkSync('circle', circle);
    for (const root of [circle, join(directory.path, 'x'.repeat(LONGEST_NAME + 1)), join(directory.path, 'none')]) {
      assert.equal(mayHoldForeignFiles(root), false, root);
    }
  });

  test('what a container has written may belong to others', () => {
    using directory = makeTemporaryDirectory();
    mkdirSync(join(directory.path, 'containers', 'one'), {recursive: true});
    assert.equal(mayHoldForeignFiles(directory.path), true);
  });
});
