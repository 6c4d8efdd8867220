import {mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {fillDirectory} from '../../src/host/fill-directory.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('host/fill-directory', ({test}) => {
  for (const durability of ['full', 'fast'] as const) {
    test(`writes files and replaces those that are there (${durability})`, async () => {
      using directory = makeTemporaryDirectory();
      writeFileSync(join(directory.path, 'a'), 'longer than what comes');
      await fillDirectory(directory.path, {a: 'one', b: 'ü\n'}, {durability, mode: 0o600});
      const read = (name: string) => readFileSync(join(directory.path, name), 'utf8');
      assert.equal([read('a'), read('b')], ['one', 'ü\n']);
      assert.is(statSync(join(directory.path, 'b')).mode & 0o777, 0o600);
    });
  }

  test('says what keeps it from writing', async () => {
    using directory = makeTemporaryDirectory();
    mkdirSync(join(directory.path, 'a'));
    const files = {a: 'one', b: 'two'};
    assert.is(
      (await rejectionOf(fillDirectory(directory.path, files, {durability: 'full', mode: 0o600}))).code,
      'EISDIR',
    );
    const none = join(directory.path, 'b', 'none');
    assert.is((await rejectionOf(fillDirectory(none, files, {durability: 'full', mode: 0o600}))).code, 'STORE_PATH');
  });
});
