import {existsSync, mkdirSync, readdirSync, truncateSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {stackLayer} from '../../src/layers/read-layer-index.ts';
import {writeTree} from '../../src/layers/write-tree.ts';
import {listTree} from '../helpers/file-tree.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from './layer-fixture.ts';
import {randomEntries} from './random-entries.ts';

const skip = process.getuid?.() === 0 ? undefined : 'owners and devices need root';
const DEEP_DIRECTORIES = 1020;

describe('layers/write-tree', ({test: declare, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  const root: TarEntry = {path: './', type: 'directory', mode: 0o750, mtime: 7};
  const newDirectory = () => {
    const path = fixture.path();
    mkdirSync(path, {mode: 0o700});
    return path;
  };
  const write = async (tar: Buffer, signal?: AbortSignal) => {
    const path = join(newDirectory(), 'tree');
    await writeTree({root: await stackLayer(null, await fixture.write(tar)), path}, {signal});
    return path;
  };

  for (const seed of [1, 2, 3]) {
    test(`writes what GNU tar extracts: random layer ${seed}`, async () => {
      const tar = buildTar([root, ...randomEntries(seed, 150 * seed)]);
      assert.equal(listTree(await write(tar)), listTree(fixture.extract(tar)));
    });
  }

  test('a link leads nowhere while a tree is written', async () => {
    const outside = newDirectory();
    const tree = await write(
      buildTar([
        {path: 'link', type: 'symlink', linkPath: outside},
        {path: 'link/file', content: 'x'},
        {path: 'name', type: 'symlink', linkPath: join(outside, 'made')},
        {path: 'name', content: 'y', mode: 0o4755},
      ]),
    );
    assert.equal(readdirSync(outside), []);
    assert.equal(readdirSync(tree).toSorted(), ['link', 'name', 'tmp']);
    assert.ok(existsSync(join(tree, outside, 'file')));
  });

  test('a tree may be as deep as that of a layer', async () => {
    const tree = await write(buildTar([{path: `${'d/'.repeat(DEEP_DIRECTORIES)}f`, content: 'x'}]));
    assert.is(Object.keys(listTree(tree)).length, DEEP_DIRECTORIES + 2);
  });

  test('a layer file that is cut off is a damaged store', async () => {
    const layer = await fixture.write(buildTar([{path: 'f', content: Buffer.alloc(9000, 1)}]));
    const tree = await stackLayer(null, layer);
    truncateSync(layer.path, 5000);
    const error = await rejectionOf(writeTree({root: tree, path: join(newDirectory(), 'tree')}));
    assert.is(error.code, 'STORE_CORRUPT');
  });

  test('an abort ends it with its own reason', async () => {
    const reason = new Error('enough');
    assert.is(await rejectionOf(write(buildTar([root]), AbortSignal.abort(reason))), reason);
  });
});
