import {readFileSync, writeFileSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import type {FileNode} from '../../src/layers/file-tree.ts';
import {stackLayer} from '../../src/layers/read-layer-index.ts';
import {applyLayer, readLayerTree} from '../helpers/layer-tree.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from './layer-fixture.ts';
import {randomEntries, seededRandom} from './random-entries.ts';

const FLIPS = 400;

/** What hides and replaces names of random trees, with directories that no entry describes. */
const hidingEntries = (lower: readonly TarEntry[], seed: number): TarEntry[] => {
  const pick = seededRandom(seed);
  const hidden = lower.filter(() => pick(5) === 0).map(({path}) => Buffer.from(path));
  return [
    {path: 'bare/below/file', content: 'x'},
    {path: 'bare/.wh..wh..opq'},
    ...hidden.map((path): TarEntry => {
      const slash = path.lastIndexOf('/');
      const mark = Buffer.from(pick(4) === 0 ? '.wh..wh..opq' : '.wh.');
      const name = mark.length > 4 ? Buffer.alloc(0) : path.subarray(slash + 1);
      return {path: Buffer.concat([path.subarray(0, slash + 1), mark, name])};
    }),
  ];
};

describe('layers/read-layer-index', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);

  for (const seed of [1, 2, 3, 4]) {
    test(`has the files that the tars have: random layers ${seed}`, async () => {
      const lower = randomEntries(seed, 80 * seed);
      let byIndex: FileNode | null = null;
      let byTar: FileNode | null = null;
      for (const entries of [lower, hidingEntries(lower, seed), randomEntries(seed + 10, 40)]) {
        const layer = await fixture.write(buildTar(entries));
        byIndex = await stackLayer(byIndex, layer);
        byTar = applyLayer(byTar, {tree: await readLayerTree(layer), path: layer.path});
      }
      const [listed, expected] = [list(byIndex), list(byTar)];
      assert.ok(expected.length > 20);
      assert.equal(listed, expected);
    });
  }

  test('shows what a layer removes on demand', async () => {
    const layer = await fixture.write(buildTar([{path: 'd/.wh.gone'}, {path: 'd/kept'}]));
    const names = async (keepsWhiteouts: boolean) =>
      (await stackLayer(null, layer, {keepsWhiteouts})).entries?.get('d')?.entries ?? new Map<string, FileNode>();
    assert.equal([...(await names(false)).keys()], ['kept']);
    assert.equal([...(await names(true)).keys()], ['gone', 'kept']);
    assert.equal((await names(true)).get('gone')?.kind, 'character');
  });

  test('refuses a damaged index, or reads what can be read', async () => {
    const layer = await fixture.write(buildTar(randomEntries(7, 200)));
    const sound = readFileSync(layer.path);
    const pick = seededRandom(7);
    let refused = 0;
    for (let round = 0; round < FLIPS; round++) {
      const bytes = Buffer.from(sound);
      const at = layer.tarBytes + 4096 + pick(bytes.length - layer.tarBytes - 4096);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
      writeFileSync(layer.path, bytes);
      const error = await stackLayer(null, layer).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) continue;
      assert.ok(isWinchError(error, 'STORE_CORRUPT'), String(error));
      refused++;
    }
    assert.ok(refused > 0);
    writeFileSync(layer.path, sound.subarray(0, -512));
    assert.is((await rejectionOf(stackLayer(null, layer))).code, 'STORE_CORRUPT');
    writeFileSync(layer.path, sound);
    const other = {...layer, diffId: `sha256:${'0'.repeat(64)}` as const};
    assert.is((await rejectionOf(stackLayer(null, other))).code, 'STORE_CORRUPT');
  });

  test('refuses names that lead elsewhere', async () => {
    const entries = ['name', 'other'].map((path) => ({path, content: ''}));
    const layer = await fixture.write(buildTar(entries));
    const sound = readFileSync(layer.path);
    for (const name of ['../x', '/etc', 'n\0me']) {
      const bytes = Buffer.from(sound);
      bytes.write(name, bytes.lastIndexOf('nameother'), 'latin1');
      writeFileSync(layer.path, bytes);
      assert.is((await rejectionOf(stackLayer(null, layer))).code, 'STORE_CORRUPT', name);
    }
  });
});

/** Everything but inode numbers, which are named by the first path that has them. */
function list(root: FileNode | null): readonly unknown[] {
  const first = new Map<string, string>();
  const walk = (node: FileNode, path: string): unknown[] => {
    const {entries, inode, layerPath, xattrs, ...rest} = node;
    const key = `${layerPath} ${inode}`;
    if (!entries && !first.has(key)) first.set(key, path);
    const own = {path, ...rest, layerPath, link: first.get(key), xattrs: [...(xattrs ?? [])].toSorted()};
    const names = [...(entries?.keys() ?? [])].toSorted();
    return [own, ...names.flatMap((name) => walk(entries?.get(name) as FileNode, `${path}/${name}`))];
  };
  return root ? walk(root, '') : [];
}
