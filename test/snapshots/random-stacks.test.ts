import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import type {FileNode} from '../../src/layers/file-tree.ts';
import {writeRootfs} from '../../src/layers/write-rootfs.ts';
import {type Listing, listTree} from '../helpers/file-tree.ts';
import {applyLayer, readLayerTree} from '../helpers/layer-tree.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from '../layers/layer-fixture.ts';
import {mountSkip as skip} from '../layers/mounted-tree.ts';
import {seededRandom} from '../layers/random-entries.ts';
import {driverSkip, makeDriverRig} from './driver-rig.ts';

const NAMES = ['a', 'b', 'c'];
const ENTRIES = 14;

/** Few names, so that layers meet at every depth: files over directories, whiteouts of what is there and what is not. */
function randomLayer(pick: (limit: number) => number): readonly TarEntry[] {
  const name = () => NAMES[pick(NAMES.length)] ?? '';
  const pathOf = (depth: number) => Array.from({length: depth}, name).join('/');
  return Array.from({length: ENTRIES}, (_, index): TarEntry => {
    const parent = pathOf(pick(3));
    const path = parent === '' ? name() : `${parent}/${name()}`;
    const common = {mode: 0o700 + pick(0o100), uid: pick(3), gid: pick(3), mtime: 1000 + index};
    const kind = pick(12);
    if (kind < 4) return {path, type: 'directory', ...common};
    if (kind === 4) return {path, type: 'symlink', linkPath: 'elsewhere', mtime: common.mtime};
    if (kind < 8) return {path: join(parent, `.wh.${name()}`), content: ''};
    if (kind === 8) return {path: join(parent, '.wh..wh..opq'), content: ''};
    return {path, content: `${index}`, ...common};
  }).filter(({path}, index, entries) => entries.findIndex((entry) => entry.path === path) === index);
}

/** Numbers of links are those of the layers, and count names that are hidden. */
const withoutLinks = (listing: Listing) =>
  Object.fromEntries(
    Object.entries(listing)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, {links: _, ...rest}]) => [path, rest]),
  );

describe('snapshots: random stacks', ({test: declare, after}) => {
  const ways = ['erofs', 'merged', 'overlay'] as const;
  const rigs = ways.filter((way) => driverSkip(way) === undefined).map(makeDriverRig);
  const fixture = makeLayerFixture();
  after(() => {
    for (const {remove} of [...rigs, fixture]) remove();
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    const title = `drivers show what the specification makes of the layers: ${seed}`;
    declare(
      title,
      async () => {
        const pick = seededRandom(seed);
        const stack = Array.from({length: 2 + pick(4)}, () => randomLayer(pick));
        let model: FileNode | null = null;
        for (const entries of stack) {
          const layer = await fixture.write(buildTar(entries));
          model = applyLayer(model, {tree: await readLayerTree(layer), path: layer.path});
        }
        if (model === null) throw new Error('a stack has layers');
        const name = `model-${seed}`;
        await writeRootfs(model, {directory: fixture.directory, name});
        const expected = withoutLinks(listTree(join(fixture.directory, name)));
        for (const rig of rigs) {
          const layers = await Promise.all(stack.map((entries) => rig.layer(...entries)));
          assert.equal(withoutLinks(rig.listAll(layers)), expected);
        }
      },
      {skip},
    );
  }
});
