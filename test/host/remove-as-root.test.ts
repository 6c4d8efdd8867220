import {existsSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {removeAsRoot} from '../../src/host/remove-as-root.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('host/remove-as-root', ({test}) => {
  for (const count of [0, 3, 300]) {
    test(`removes a tree of ${count} files, and nothing that its links lead to`, async () => {
      using directory = makeTemporaryDirectory();
      const [tree, kept] = [join(directory.path, 'tree'), join(directory.path, 'kept')];
      for (const path of [join(tree, 'deep/deeper'), kept]) mkdirSync(path, {recursive: true});
      writeFileSync(join(kept, 'file'), '');
      symlinkSync(kept, join(tree, 'deep/link'));
      symlinkSync('nowhere', join(tree, 'dangling'));
      for (let index = 0; index < count; index += 1) writeFileSync(join(tree, 'deep/deeper', `file-${index}`), '');
      await removeAsRoot(tree);
      assert.not.ok(existsSync(tree));
      assert.ok(existsSync(join(kept, 'file')));
    });
  }

  test('is fine with a file, and with nothing', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'file');
    writeFileSync(path, '');
    await removeAsRoot(path);
    await removeAsRoot(path);
    assert.not.ok(existsSync(path));
  });
});
