import {spawnSync} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';
import * as assert from 'uvu/assert';
import {removeTree, removeTreeSync} from '../../src/host/remove-tree.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const MODULE = new URL('../../src/host/remove-tree.ts', import.meta.url).href;

const FILES = 6;
/** Takes the files of a directory away whenever it is told to. */
const TAKE_AWAY = `
const {workerData: {path, turns}} = require('node:worker_threads');
const {rmSync} = require('node:fs');
for (let turn = 0; ; ) {
  Atomics.wait(turns, 0, turn);
  turn = Atomics.load(turns, 0);
  for (let file = ${FILES}; file-- > 0; ) rmSync(path + '/' + file, {force: true});
  Atomics.store(turns, 1, turn);
  Atomics.notify(turns, 1);
}`;

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

  test('leaves nothing of a directory whose files others take away meanwhile', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'tree');
    const turns = new Int32Array(new SharedArrayBuffer(8));
    const other = new Worker(TAKE_AWAY, {eval: true, workerData: {path, turns}});
    try {
      for (let turn = 1; turn <= 500; turn++) {
        mkdirSync(path);
        for (let file = 0; file < FILES; file++) writeFileSync(join(path, `${file}`), '');
        Atomics.store(turns, 0, turn);
        Atomics.notify(turns, 0);
        removeTreeSync(path);
        assert.is(existsSync(path), false);
        while (Atomics.load(turns, 1) !== turn) Atomics.wait(turns, 1, turn - 1, 10);
      }
    } finally {
      await other.terminate();
    }
  });

  test('removes a file, a link and nothing', () => {
    using directory = makeTemporaryDirectory();
    writeFileSync(join(directory.path, 'file'), '');
    symlinkSync('nowhere', join(directory.path, 'link'));
    for (const name of ['file', 'link', 'none']) removeTreeSync(join(directory.path, name));
    assert.equal(readdirSync(directory.path), []);
  });
});
