import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {createLayerFiles} from '../../src/store/layer-files.ts';
import {storePaths} from '../../src/store/paths.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {digestFor} from './sample-graph.ts';

describe('store/layer-files', ({test}) => {
  const diffId = digestFor('layer');

  test('a staged file is the layer once it is committed', async () => {
    using directory = makeTemporaryDirectory();
    for (const durability of ['full', 'fast'] as const) {
      const layers = createLayerFiles(storePaths(join(directory.path, durability)), durability);
      const staged = await layers.stage(diffId);
      writeFileSync(staged, 'layer', {flag: 'wx'});
      assert.not.ok(layers.has(diffId, 5));
      await layers.commit(diffId);
      assert.ok(layers.has(diffId, 5));
      assert.not.ok(layers.has(diffId, 6), 'one of another size is none');
      assert.not.ok(existsSync(staged));
      await layers.discard(diffId);
      assert.ok(layers.has(diffId, 5));
    }
  });

  test('staging again removes what was staged', async () => {
    using directory = makeTemporaryDirectory();
    const layers = createLayerFiles(storePaths(directory.path), 'fast');
    const staged = await layers.stage(diffId);
    writeFileSync(staged, 'half');
    assert.is(await layers.stage(diffId), staged);
    assert.not.ok(existsSync(staged));
    writeFileSync(staged, 'half');
    await layers.discard(diffId);
    assert.equal(readdirSync(dirname(staged)), []);
  });

  test('a commit replaces the leftover of an unrecorded layer', async () => {
    using directory = makeTemporaryDirectory();
    const layers = createLayerFiles(storePaths(directory.path), 'fast');
    mkdirSync(dirname(layers.path(diffId)), {recursive: true});
    writeFileSync(layers.path(diffId), 'left over');
    writeFileSync(await layers.stage(diffId), 'layer');
    await layers.commit(diffId);
    assert.is(readFileSync(layers.path(diffId), 'utf8'), 'layer');
  });

  test('what was never staged cannot be committed', async () => {
    using directory = makeTemporaryDirectory();
    const layers = createLayerFiles(storePaths(directory.path), 'fast');
    assert.is((await rejectionOf(layers.commit(diffId))).code, 'ENOENT');
    assert.not.ok(layers.has(diffId, 0));
  });
});
