import {spawnSync} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {removeTree} from '../../src/host/remove-tree.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const MODULE = new URL('../../src/host/remove-tree.ts', import.meta.url).href;

describe('host/remove-tree', ({test}) => {
  test('is content with nothing to remove', async () => {
    using directory = makeTemporaryDirectory();
    await removeTree(join(directory.path, 'absent'));
  });

  test(
    'removes directories that their owner may not write, and nothing that links lead to',
    () => {
      using directory = makeTemporaryDirectory();
      const kept = join(directory.path, 'kept');
      const tree = join(directory.path, 'tree');
      mkdirSync(join(tree, 'closed/deeper'), {recursive: true});
      mkdirSync(kept);
      writeFileSync(join(kept, 'file'), '');
      writeFileSync(join(tree, 'closed/file'), '');
      spawnSync('ln', ['-s', kept, join(tree, 'closed/link')]);
      for (const path of ['closed/deeper', 'closed', '.']) chmodSync(join(tree, path), 0);
      const program = `import {removeTree} from ${JSON.stringify(MODULE)}; await removeTree(${JSON.stringify(tree)});`;
      const words = ['--bounding-set=-all', process.execPath, '--input-type=module', '-e', program];
      const {stderr, status} = spawnSync('setpriv', words, {encoding: 'utf8'});
      assert.equal([stderr, status, existsSync(tree), existsSync(join(kept, 'file'))], ['', 0, false, true]);
    },
    {skip: missingFor('setpriv')},
  );
});
