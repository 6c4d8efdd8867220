import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {digestOf} from '../../src/oci/digest.ts';
import {createLayerTrees} from '../../src/store/layer-trees.ts';
import {storePaths} from '../../src/store/paths.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const DIFF_ID = digestOf(Buffer.from('layer'));

describe('store/layer-trees', ({test}) => {
  const open = (root: string, durability: 'full' | 'fast') => {
    const paths = storePaths(root);
    mkdirSync(join(paths.layer(DIFF_ID), '..'), {recursive: true});
    return {paths, trees: createLayerTrees(paths, durability), mark: join(paths.layerTree(DIFF_ID), 'complete')};
  };

  test('a layer is there once all of it is, and takes the place of half a one', async () => {
    using directory = makeTemporaryDirectory();
    const {paths, trees} = open(directory.path, 'full');
    mkdirSync(join(paths.layerTree(DIFF_ID), 'half'), {recursive: true});
    assert.not(trees.isComplete(DIFF_ID));
    writeFileSync(join(await trees.stage(DIFF_ID), 'file'), '');
    assert.not(trees.isComplete(DIFF_ID));
    await trees.commit(DIFF_ID);
    assert.ok(trees.isComplete(DIFF_ID));
    assert.equal(readdirSync(trees.path(DIFF_ID)).toSorted(), ['complete', 'file']);
    assert.equal(readdirSync(join(paths.layers, 'sha256')).length, 1);
  });

  test('what no sync has made sure of counts until the machine starts again', async () => {
    using directory = makeTemporaryDirectory();
    const {trees, mark} = open(directory.path, 'fast');
    await trees.stage(DIFF_ID);
    await trees.commit(DIFF_ID);
    assert.ok(trees.isComplete(DIFF_ID));
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    writeFileSync(
      mark,
      readFileSync(mark, 'utf8').replace(
        boot,
        boot.replace(/./, (digit) => (digit === '0' ? '1' : '0')),
      ),
    );
    assert.not(trees.isComplete(DIFF_ID));
  });

  test('what a killed process had staged is begun anew', async () => {
    using directory = makeTemporaryDirectory();
    const {trees} = open(directory.path, 'fast');
    writeFileSync(join(await trees.stage(DIFF_ID), 'left'), '');
    assert.equal(readdirSync(await trees.stage(DIFF_ID)), []);
    await trees.discard(DIFF_ID);
    assert.not(existsSync(trees.path(DIFF_ID)));
  });

  test('with other owners it is another one, the same for the same owners', async () => {
    using directory = makeTemporaryDirectory();
    const {paths, trees} = open(directory.path, 'fast');
    const range = (hostID: number) => [{containerID: 0, hostID, size: 10}];
    const shifted = trees.ownedBy({uids: range(1), gids: range(1)});
    await shifted.stage(DIFF_ID);
    await shifted.commit(DIFF_ID);
    const others = [
      trees,
      trees.ownedBy({uids: range(1), gids: range(2)}),
      trees.ownedBy({uids: range(2), gids: range(1)}),
    ];
    assert.equal(
      others.map(({isComplete}) => isComplete(DIFF_ID)),
      [false, false, false],
    );
    assert.is(new Set([shifted, ...others].map(({path}) => path(DIFF_ID))).size, 4);
    assert.ok(trees.ownedBy({gids: range(1), uids: range(1)}).isComplete(DIFF_ID));
    const turned = [{hostID: 0, containerID: 1, size: 10}];
    assert.not(trees.ownedBy({uids: turned, gids: turned}).isComplete(DIFF_ID), 'whatever comes first');
    assert.match(shifted.path(DIFF_ID), new RegExp(`^${paths.layerTree(DIFF_ID)}-[0-9a-f]{16}$`));
  });
});
