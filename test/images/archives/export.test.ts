import * as assert from 'node:assert/strict';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import {buildImage} from '../../../fixtures/build-image.ts';
import {buildTar} from '../../../fixtures/build-tar.ts';
import type {Toolkit} from '../../../src/toolkit.ts';
import {comparable, REPLACED_ROOT, TREE_LAYERS} from '../../e2e/layered-tree.ts';
import {listTree} from '../../helpers/file-tree.ts';
import {writeImageLayout} from '../../helpers/image-layout.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingFor} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const imageOfLayers = (layers: typeof TREE_LAYERS) => buildImage({layers: layers.map((entries) => buildTar(entries))});
const noTools = missingFor('umoci', 'tar', 'getfattr');

async function exportTar({images}: Toolkit, name: string): Promise<Buffer> {
  const files = await images.export(name);
  try {
    return await buffer(files.content);
  } finally {
    files.close();
  }
}

describe('images/archives/export', ({test}) => {
  test('writes equal bytes for equal layers, and what import makes of them', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    const {toolkit} = store;
    writeImageLayout(directory.path, {'team/tree:1': imageOfLayers(TREE_LAYERS)});
    await toolkit.images.load(directory.path);
    const tar = await exportTar(toolkit, 'team/tree:1');
    assert.ok(tar.equals(await exportTar(toolkit, 'team/tree:1')));
    await toolkit.images.import(Readable.from([tar]), {reference: 'flat:1'});
    assert.ok(tar.equals(await exportTar(toolkit, 'flat:1')));
  });

  test('writes an empty tar of an image without layers, and nothing of one that is not there', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    writeImageLayout(directory.path, {'team/empty:1': buildImage({layers: []})});
    await store.toolkit.images.load(directory.path);
    assert.ok((await exportTar(store.toolkit, 'team/empty:1')).equals(Buffer.alloc(1024)));
    assert.equal((await rejectionOf(store.toolkit.images.export('nothing'))).code, 'IMAGE_UNKNOWN');
  });

  if (noTools !== undefined) return;

  for (const [what, layers] of [
    ['every kind of file, whiteouts and links', TREE_LAYERS],
    ['a root that hides all below it', REPLACED_ROOT],
  ] as const) {
    test(`gives tar the same tree as umoci: ${what}`, async () => {
      using directory = makeTemporaryDirectory();
      await using store = await openTestStore();
      const [layout, unpacked, theirs] = ['layout', 'unpacked', 'theirs'].map((name) => join(directory.path, name));
      if (!layout || !unpacked || !theirs) throw new Error('three paths');
      writeImageLayout(layout, {'team/tree:1': imageOfLayers(layers)});
      await store.toolkit.images.load(layout);
      const path = join(directory.path, 'files.tar');
      writeFileSync(path, await exportTar(store.toolkit, 'team/tree:1'));
      mkdirSync(unpacked);
      const words = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', path, '-C', unpacked];
      await requireProgram('tar', words);
      await requireProgram('umoci', ['unpack', '--image', `${layout}:team/tree:1`, theirs]);
      assert.deepEqual(comparable(listTree(unpacked)), comparable(listTree(join(theirs, 'rootfs'))));
    });
  }
});
