import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import type {FileNode} from '../../src/layers/file-tree.ts';
import {searchFile} from '../../src/layers/find-file.ts';
import {openLayeredFiles} from '../../src/layers/layered-files.ts';
import {type IndexedLayer, stackLayer} from '../../src/layers/read-layer-index.ts';
import {describe} from '../helpers/suite.ts';
import {runInRootfs} from '../snapshots/mounted-rootfs.ts';
import {makeLayerFixture} from './layer-fixture.ts';
import {mountSkip} from './mounted-tree.ts';
import {randomEntries, seededRandom} from './random-entries.ts';

const PROGRAM = fileURLToPath(new URL('lookup-program.ts', import.meta.url));
const SEEDS = [1, 2, 3, 4, 5, 6];
const LOOKUPS = 150;
const EROFS = {driver: 'erofs'} as const;
const FLIPS = 400;

/** Few names, so that layers hide, merge and replace what others have, and links lead somewhere. */
function tangle(pick: (limit: number) => number): TarEntry[] {
  const name = () => 'abc'[pick(3)] ?? 'a';
  const path = () => Array.from({length: 1 + pick(3)}, name).join('/');
  const target = () => `${'../'.repeat(pick(3))}${pick(3) === 0 ? '/' : ''}${path()}`;
  const directories = Array.from(
    {length: pick(6)},
    (): TarEntry => ({path: path(), type: 'directory', mode: pick(512)}),
  );
  const rest = Array.from({length: 4 + pick(10)}, (): TarEntry => {
    const kind = pick(8);
    if (kind < 2) return {path: path(), type: 'symlink', linkPath: target().replace(/^(\.\.\/)+\//, '/')};
    if (kind === 2) return {path: `${path()}/.wh.${name()}`};
    if (kind === 3) return {path: `${path()}/.wh..wh..opq`};
    return {path: path(), content: 'x'.repeat(pick(9))};
  });
  return [...directories, ...rest];
}

const paths = (pick: (limit: number) => number): string[] =>
  Array.from({length: LOOKUPS}, () => {
    const names = Array.from({length: 1 + pick(5)}, () => ['a', 'b', 'c', '..', '.'][pick(5)] ?? '');
    return `/${names.join('/')}${pick(6) === 0 ? '/' : ''}`;
  });

describe('layers/layered-files', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);

  const write = async (entries: readonly TarEntry[]) => {
    try {
      return await fixture.write(buildTar(entries));
    } catch (error) {
      // Its links lead in circles, which no layer file may have on the way to an entry.
      if (!isWinchError(error, 'TAR_LINK')) throw error;
      return fixture.write(buildTar(entries.filter(({type}) => type !== 'symlink')));
    }
  };
  const writeAll = async (layers: readonly (readonly TarEntry[])[]) => {
    const written = [];
    for (const entries of layers) written.push(await write(entries));
    return written;
  };
  const stacked = async (layers: readonly IndexedLayer[]) => {
    let root: FileNode | null = null;
    for (const layer of layers) root = await stackLayer(root, layer);
    return root;
  };

  for (const seed of SEEDS) {
    test(`has the files that all layers have when they are read whole: ${seed}`, async () => {
      const pick = seededRandom(seed);
      const entries = [tangle(pick), randomEntries(seed, 60 * seed), tangle(pick), tangle(pick), tangle(pick)];
      const layers = await writeAll(entries);
      const expected = await stacked(layers);
      assert.equal(list(openLayeredFiles(layers), false), list(expected, false));
      assert.equal(list(openLayeredFiles(layers), true, expected), list(expected, false));
    });

    test(
      `finds what the kernel finds, through links and whiteouts: ${seed}`,
      async () => {
        const pick = seededRandom(seed * 1000);
        const layers = await writeAll([tangle(pick), tangle(pick), tangle(pick), tangle(pick)]);
        const asked = paths(pick);
        const directory = fixture.path();
        mkdirSync(directory);
        const script = `exec '${process.execPath}' '${PROGRAM}' ${asked.join(' ')}`;
        const answers = runInRootfs({...EROFS, layers, directory, writable: {type: 'none'}}, script).split('\n');
        const root = openLayeredFiles(layers);
        const found = asked.flatMap((path) => [
          lookUp(root, path, true),
          path.endsWith('/') || path.endsWith('/.') ? lookUp(root, path) : lookUp(root, path, false),
        ]);
        assert.equal(found, answers);
        assert.ok(new Set(answers).size > 4, answers.join());
      },
      {skip: mountSkip},
    );
  }

  test('reads no more of a large layer than a lookup needs', async () => {
    const large = await write(Array.from({length: 3000}, (_, index) => ({path: `d/${index}/file`, content: 'x'})));
    const bytes = readFileSync(large.path);
    // Every second page of the index is destroyed: most lookups of a whole read would fail.
    const root = openLayeredFiles([large]);
    assert.ok(searchFile(root, '/d/1234/file').outcome === 'found');
    writeFileSync(large.path, bytes.fill(0xff, large.tarBytes + 8192 + 16 * 1024));
    assert.ok(searchFile(root, '/d/1234/file').outcome === 'found');
    assert.throws(
      () => searchFile(root, '/d/2999/file'),
      (error: unknown) => isWinchError(error, 'STORE_CORRUPT'),
    );
  });

  test('finds every name of a directory of many blocks', async () => {
    const names = [
      '!',
      '-',
      '..a',
      '.a',
      `${'+'.repeat(255)}`,
      ...Array.from({length: 300}, (_, index) => `n${index}`),
    ];
    const layer = await write(names.map((name) => ({path: `d/${name}`, content: name})));
    const entries = openLayeredFiles([layer]).entries?.get('d')?.entries;
    for (const name of names) assert.is(entries?.get(name)?.size, name.length, name);
    for (const name of ['', '.', '..', ' ', 'n', 'n300', '\xff', 'zz']) assert.is(entries?.get(name), undefined, name);
  });

  test('refuses a damaged index, or reads what can be read', async () => {
    const layer = await write(randomEntries(7, 200));
    const sound = readFileSync(layer.path);
    const pick = seededRandom(7);
    let refused = 0;
    for (let round = 0; round < FLIPS; round++) {
      const bytes = Buffer.from(sound);
      const at = layer.tarBytes + 4096 + pick(bytes.length - layer.tarBytes - 4096);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
      writeFileSync(layer.path, bytes);
      try {
        list(openLayeredFiles([layer]), false);
      } catch (error) {
        assert.ok(isWinchError(error, 'STORE_CORRUPT'), String(error));
        refused++;
      }
    }
    assert.ok(refused > 0);
    writeFileSync(layer.path, sound.subarray(0, -512));
    assert.throws(
      () => list(openLayeredFiles([layer]), false),
      (error: unknown) => isWinchError(error, 'STORE_CORRUPT'),
    );
  });
});

/** As the program has it. A slash behind what is no directory leads nowhere. */
function lookUp(root: FileNode, path: string, followsLast?: boolean): string {
  const search = searchFile(root, path, followsLast === undefined ? {} : {followsLast});
  if (search.outcome !== 'found') return search.outcome;
  return search.node.entries === null && /\/\.?$/.test(path) ? 'missing' : search.path;
}

/** Everything but inode numbers. @param names Where the names come from; else from the tree itself. */
function list(root: FileNode | null, byName: boolean, names: FileNode | null = root): readonly unknown[] {
  const walk = (node: FileNode | undefined, path: string, named: FileNode): unknown[] => {
    if (!node) return [`${path} is missing`];
    const {entries, xattrs, ...rest} = node;
    const own = {path, ...rest, xattrs: [...(xattrs ?? [])].toSorted()};
    const below = [...(byName ? (named.entries ?? []) : (entries ?? []))].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return [own, ...below.flatMap(([name, child]) => walk(entries?.get(name), `${path}/${name}`, child))];
  };
  return root && names ? walk(root, '', names) : [];
}
