import {readFileSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type Listing, listTree} from '../helpers/file-tree.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from './layer-fixture.ts';
import {listMounted, mountSkip} from './mounted-tree.ts';
import {randomEntries} from './random-entries.ts';

describe('layers/erofs-index', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);
  const mounted = async (entries: Parameters<typeof buildTar>[0]) =>
    listMounted(fixture.mountPoint, [await fixture.layer(entries)]);
  const mountTest = (title: string, body: () => Promise<void>) => test(title, body, {skip: mountSkip});

  for (const [seed, count] of [
    [1, 5],
    [2, 60],
    [3, 400],
    [4, 400],
  ] as const) {
    mountTest(`mounts as GNU tar extracts: random tree ${seed}`, async () => {
      const tar = buildTar(randomEntries(seed, count));
      const {path} = await fixture.write(tar);
      assertSameTree(listMounted(fixture.mountPoint, [path]), listTree(fixture.extract(tar)));
    });
  }

  mountTest('finds every name of directories that span blocks', async () => {
    const names = Array.from({length: 300}, (_, index) => `${index}-${'long'.repeat(index % 50)}`);
    const files = await mounted(names.map((name) => ({path: `d/${name}`, content: name})));
    assert.equal(Object.keys(files).sort(), ['.', './d', ...names.map((name) => `./d/${name}`)].sort());
  });

  mountTest('counts links of directories and files', async () => {
    const files = await mounted([
      {path: 'd/a/x'},
      {path: 'd/b', type: 'directory'},
      {path: 'd/y', type: 'hardlink', linkPath: 'd/a/x'},
    ]);
    const links = Object.fromEntries(Object.entries(files).map(([path, {links}]) => [path, links]));
    assert.equal(links, {'.': 3, './d': 4, './d/a': 2, './d/a/x': 2, './d/b': 2, './d/y': 2});
  });

  mountTest('gives missing parents and the root 0755, root and 1970, and the root its entry', async () => {
    const bare = await mounted([{path: 'd/f'}]);
    for (const path of ['.', './d']) {
      const {permissions, owner, mtimeNanoseconds} = bare[path] ?? fail(path);
      assert.equal([permissions, owner, mtimeNanoseconds], ['755', '0:0', '0']);
    }
    const {permissions, owner} =
      (await mounted([{path: './', type: 'directory', mode: 0o700, uid: 5}]))['.'] ?? fail('.');
    assert.equal([permissions, owner], ['700', '5:0']);
  });

  mountTest('mounts a tar without entries and one without a byte', async () => {
    for (const tar of [buildTar([]), Buffer.alloc(0)]) {
      const {path} = await fixture.write(tar);
      assert.equal(Object.keys(listMounted(fixture.mountPoint, [path])), ['.']);
    }
  });

  mountTest('stores attributes up to 64 KiB on files, directories and opaque directories', async () => {
    const big = Buffer.alloc(65_535, 7);
    const files = await mounted([
      {
        path: 'f',
        xattrs: {
          'user.big': big,
          'security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex'),
        },
      },
      {path: 'd', type: 'directory', xattrs: {'user.empty': '', 'user.x': 'y'}},
      {path: 'd/.wh..wh..opq'},
    ]);
    assert.equal(files['./f']?.xattrs, [
      'security.capability=0x0100000200200000000000000000000000000000',
      `user.big=0x${big.toString('hex')}`,
    ]);
    assert.equal(files['./d']?.xattrs, ['trusted.overlay.opaque=0x79', 'user.empty=0x', 'user.x=0x79']);
  });

  mountTest('shows whiteouts as overlayfs wants them, and none in opaque directories', async () => {
    const files = await mounted([{path: '.wh.a'}, {path: 'd/.wh.b'}, {path: 'o/.wh.c'}, {path: 'o/.wh..wh..opq'}]);
    assert.equal(Object.keys(files).sort(), ['.', './a', './d', './d/b', './o']);
    assert.equal([files['./a']?.type, files['./a']?.device, files['./a']?.permissions], [0o020000, '0:0', '0']);
  });

  mountTest('merges in an overlay as the changesets say', async () => {
    const base = await fixture.layer([
      {path: 'keep/a', content: '1'},
      {path: 'gone/x'},
      {path: 'replaced/old'},
      {path: 'opaque/old'},
      {path: 'file', content: 'old'},
      {path: 'link', type: 'symlink', linkPath: 'keep'},
      {path: 'becomes-file/x'},
    ]);
    const upper = await fixture.layer([
      {path: 'keep/b', content: '2'},
      {path: '.wh.gone'},
      {path: 'replaced/new'},
      {path: '.wh.replaced'},
      {path: 'opaque/new'},
      {path: 'opaque/.wh..wh..opq'},
      {path: 'opaque/.wh.never'},
      {path: '.wh.file'},
      {path: 'link/real'},
      {path: 'becomes-file', content: 'now'},
    ]);
    const merged = listMounted(fixture.mountPoint, [base, upper]);
    assert.equal(
      Object.keys(merged).sort(),
      ['.', 'becomes-file', 'keep', 'keep/a', 'keep/b', 'link', 'link/real', 'opaque', 'opaque/new', 'replaced']
        .map((path) => (path === '.' ? path : `./${path}`))
        .concat('./replaced/new')
        .sort(),
    );
    assert.is(merged['./link']?.type, 0o040000);
  });

  test('gives equal files for equal tars, and another identity for another tar', async () => {
    const tar = buildTar(randomEntries(7, 50));
    const [one, two] = [await fixture.write(tar), await fixture.write(tar)];
    assert.ok(readFileSync(one.path).equals(readFileSync(two.path)));
    const uuid = (path: string) => readFileSync(path).toString('hex', 1024 + 48, 1024 + 64);
    const other = await fixture.write(buildTar([{path: 'f'}]));
    assert.is.not(uuid(other.path), uuid(one.path));
  });

  test('counts whiteouts that it shows', async () => {
    const tar = buildTar([{path: '.wh.a'}, {path: 'd/.wh.b'}, {path: 'o/.wh.c'}, {path: 'o/.wh..wh..opq'}]);
    assert.is((await fixture.write(tar)).whiteouts, 2);
  });
});

/** Compares file by file, so that a failure shows one file and not two trees. */
function assertSameTree(actual: Listing, expected: Listing): void {
  assert.equal(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [path, file] of Object.entries(expected)) {
    // A tar without an entry for the root says nothing about it.
    if (path !== '.') assert.equal(actual[path], file, path);
  }
}

function fail(path: string): never {
  throw new Error(`${path} is missing`);
}
