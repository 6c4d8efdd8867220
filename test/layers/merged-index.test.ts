import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {devicesOf, isMergedIndex, type LayerChain, placeLayers} from '../../src/layers/merged-head.ts';
import {type MergeRequest, writeMergedIndex} from '../../src/layers/merged-index.ts';
import {chainIds} from '../../src/oci/chain-id.ts';
import {fsckFindings, fsckSkip} from '../helpers/fsck-erofs.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from './layer-fixture.ts';

const GIBIBYTE = 2 ** 30;

describe('layers/merged-index', ({test, after}) => {
  const files = makeLayerFixture();
  after(files.remove);

  const chainOf = async (...stack: readonly (readonly TarEntry[])[]) => {
    const layers = await Promise.all(stack.map((entries) => files.write(buildTar(entries))));
    return {layers, chainId: chainIds(layers.map(({diffId}) => diffId)).at(-1) ?? 'sha256:'} as const;
  };
  const base: readonly TarEntry[] = [
    {path: 'd', type: 'directory'},
    {path: 'd/a', content: 'a'},
  ];
  const top: readonly TarEntry[] = [{path: 'd/.wh.a'}, {path: 'd/b', content: 'b'.repeat(1000)}];
  const merge = async (chain: Pick<MergeRequest, 'chainId' | 'layers'>, durability: 'full' | 'fast' = 'fast') => {
    const path = files.path();
    return {path, isWritten: await writeMergedIndex({...chain, path, durability})};
  };

  test('equal chains have equal, private files, which are recognized', async () => {
    const chain = await chainOf(base, top, base);
    const [one, other] = [await merge(chain), await merge(chain, 'full')];
    assert.ok(one.isWritten && other.isWritten);
    assert.ok(readFileSync(one.path).equals(readFileSync(other.path)));
    assert.is(statSync(one.path).mode & 0o777, 0o600);
    assert.is(devicesOf(chain.layers).length, 3);
    assert.ok(isMergedIndex(one.path, chain));
  });

  test(
    'fsck.erofs has nothing against an index of many layers',
    async () => {
      const many = Array.from({length: 60}, (_, index) => [{path: `f${index}`, content: 'x'.repeat(index)}]);
      const chain = await chainOf(base, ...many, top);
      assert.is(fsckFindings((await merge(chain)).path, devicesOf(chain.layers)), null);
    },
    {skip: fsckSkip},
  );

  test('the index of another chain, of other layer files or of another length is none', async () => {
    const chain = await chainOf(base, top);
    const {path} = await merge(chain);
    const [first, second] = chain.layers;
    const longer = {...second, fileBytes: (second?.fileBytes ?? 0) + 4096};
    const others: readonly LayerChain[] = [
      {...chain, chainId: chainIds(['sha256:00', 'sha256:11']).at(-1) ?? 'sha256:'},
      {...chain, layers: chain.layers.slice(1)},
      {...chain, layers: [first, longer] as LayerChain['layers']},
    ];
    for (const other of others) assert.not.ok(isMergedIndex(path, other));
    truncateSync(path, statSync(path).size - 512);
    assert.not.ok(isMergedIndex(path, chain));
  });

  test('what is no file, or no index, is none', async () => {
    const chain = await chainOf(base, top);
    const {path} = await merge(chain);
    const [absent, link, directory, pipe, text, zeros] = Array.from({length: 6}, files.path);
    symlinkSync(path, link ?? '');
    mkdirSync(directory ?? '');
    spawnSync('mkfifo', [pipe ?? '']);
    writeFileSync(text ?? '', 'x'.repeat(100_000));
    writeFileSync(zeros ?? '', Buffer.alloc(statSync(path).size));
    for (const other of [absent, link, directory, pipe, text, zeros])
      assert.not.ok(isMergedIndex(other ?? '', chain), other);
  });

  test('layers that are too many or too large for the format have no index', async () => {
    const [layer] = (await chainOf(base)).layers;
    if (!layer) throw new Error('there is a layer');
    const chainOfCount = (count: number, fileBytes: number) => ({
      chainId: layer.diffId,
      layers: Array.from({length: count}, (_, index) => ({...layer, path: `/layers/${index}`, fileBytes})),
    });
    assert.ok(placeLayers(chainOfCount(300, GIBIBYTE)));
    assert.is(placeLayers(chainOfCount(301, 4096)), null);
    assert.ok(placeLayers(chainOfCount(2, 1000 * GIBIBYTE)));
    assert.is(placeLayers(chainOfCount(3, 1000 * GIBIBYTE)), null);
    const {path, isWritten} = await merge(chainOfCount(301, 4096));
    assert.not.ok(isWritten || existsSync(path));
  });

  test('a damaged layer file is told, and leaves nothing', async () => {
    const chain = await chainOf(base, top);
    truncateSync(chain.layers[1]?.path ?? '', 8192);
    const path = files.path();
    assert.is((await rejectionOf(writeMergedIndex({...chain, path, durability: 'fast'}))).code, 'STORE_CORRUPT');
    assert.not.ok(existsSync(path));
  });

  test('a file that is there is not written over', async () => {
    const chain = await chainOf(base, top);
    const path = files.path();
    writeFileSync(path, 'mine');
    assert.ok(await rejectionOf(writeMergedIndex({...chain, path, durability: 'fast'})));
    assert.is(readFileSync(path, 'utf8'), 'mine');
  });
});
