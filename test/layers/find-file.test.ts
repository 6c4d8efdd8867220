import * as assert from 'uvu/assert';
import type {TarEntry} from '../../fixtures/build-tar.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {findFile} from '../../src/layers/find-file.ts';
import {applyLayer, readLayerTree} from '../helpers/layer-tree.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from './layer-fixture.ts';

const link = (path: string, linkPath: string): TarEntry => ({path, type: 'symlink', linkPath});

describe('layers/find-file', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(() => fixture.remove());

  async function rootOf(entries: readonly TarEntry[]) {
    const tar = buildTar(entries);
    const {path} = await fixture.write(tar);
    return applyLayer(null, {path, tree: await readLayerTree({path, tarBytes: tar.length, entries: entries.length})});
  }

  test('follows the symlinks on the way, and not the one at the end', async () => {
    const root = await rootOf([
      {path: 'usr/bin/tool', content: 'x'},
      link('bin', 'usr/bin'),
      link('usr/lib', '/srv'),
      {path: 'srv/data', content: 'y'},
      link('usr/bin/alias', 'tool'),
      link('usr/up', '../../../srv'),
    ]);
    const pathOf = (path: string) => findFile(root, path)?.path ?? null;
    assert.is(pathOf('/usr/bin/tool'), '/usr/bin/tool');
    assert.is(pathOf('/bin/tool'), '/usr/bin/tool');
    assert.is(pathOf('//bin/./tool/'), '/usr/bin/tool');
    assert.is(pathOf('/usr/lib/data'), '/srv/data');
    assert.is(pathOf('/usr/up/data'), '/srv/data');
    assert.is(pathOf('/bin/../bin/tool'), '/usr/bin/tool');
    assert.is(pathOf('/bin'), '/bin');
    assert.is(findFile(root, '/bin/alias')?.node.linkTarget, 'tool');
    assert.is(pathOf('/'), '/');
    assert.is(pathOf('/bin/absent'), null);
    assert.is(pathOf('/srv/data/below'), null);
  });

  test('a circle of symlinks leads nowhere', async () => {
    const root = await rootOf([link('a', 'b'), link('b', 'a')]);
    assert.is(findFile(root, '/a/x'), null);
  });
});
