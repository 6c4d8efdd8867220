import {spawnSync} from 'node:child_process';
import {closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, truncateSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {loadTreeCalls} from '../../src/host/tree-calls.ts';
import type {FileNode} from '../../src/layers/file-tree.ts';
import {stackLayer} from '../../src/layers/read-layer-index.ts';
import type {WrittenLayer} from '../../src/layers/write-layer.ts';
import {type RootfsProgress, type WriteRootfsOptions, writeRootfs} from '../../src/layers/write-rootfs.ts';
import {type Listing, listTree} from '../helpers/file-tree.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {listRootfs} from '../snapshots/mounted-rootfs.ts';
import {randomLayers} from './changed-layers.ts';
import {makeLayerFixture} from './layer-fixture.ts';
import {mountSkip} from './mounted-tree.ts';
import {randomEntries} from './random-entries.ts';

type Layer = WrittenLayer & {readonly path: string};

const PROGRAM = fileURLToPath(new URL('write-rootfs-program.ts', import.meta.url));
const root: TarEntry = {path: './', type: 'directory', mode: 0o750, mtime: 7};

describe('layers/write-rootfs', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);
  const skip = missingFor();
  const layer = (...entries: readonly TarEntry[]): Promise<Layer> => fixture.write(buildTar(entries));
  const newDirectory = () => {
    const path = fixture.path();
    mkdirSync(path, {mode: 0o700});
    return path;
  };
  const stack = async (layers: readonly Layer[]): Promise<FileNode> => {
    let node: FileNode | null = null;
    for (const one of layers) node = await stackLayer(node, one);
    if (!node) throw new Error('no layers');
    return node;
  };
  const write = async (layers: readonly Layer[], options: WriteRootfsOptions = {}) => {
    const directory = newDirectory();
    const skipped = await writeRootfs(await stack(layers), {directory, name: 'rootfs'}, options);
    return {rootfs: join(directory, 'rootfs'), skipped};
  };
  /** As root without capabilities `dropped`. */
  const writeWithout = (dropped: string, layers: readonly Layer[]) => {
    const directory = newDirectory();
    const words = [`--bounding-set=${dropped}`, process.execPath, PROGRAM, JSON.stringify(layers), directory];
    const {stdout, stderr} = spawnSync('setpriv', words, {encoding: 'utf8'});
    assert.is(stderr, '');
    return {rootfs: join(directory, 'rootfs'), stdout};
  };

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(
      `shows what the kernel shows of the mounted layers: ${seed}`,
      async () => {
        const layers = await Promise.all(randomLayers(seed, 4).map((entries) => layer(...entries)));
        const request = {layers, directory: newDirectory(), writable: {type: 'none'}} as const;
        const mounted = listRootfs({...request, driver: 'erofs'});
        const {rootfs, skipped} = await write(layers);
        assert.equal(withoutLinks(listTree(rootfs)), withoutLinks(mounted));
        assert.equal(skipped, {owners: 0, devices: 0, xattrs: 0});
      },
      {skip: mountSkip},
    );
  }

  for (const seed of [7, 8]) {
    test(
      `writes what GNU tar extracts of one layer: ${seed}`,
      async () => {
        const tar = buildTar([root, ...randomEntries(seed, 300)]);
        const {rootfs} = await write([await fixture.write(tar)]);
        assert.equal(listTree(rootfs), listTree(fixture.extract(tar)));
      },
      {skip},
    );
  }

  test(
    'names of one file are links, wherever they are, and directories keep their times',
    async () => {
      const many = Array.from({length: 1500}, (_, index) => ({path: `big/${index}`, content: `${index}`}));
      const entries: TarEntry[] = [
        root,
        {path: 'big/', type: 'directory', mtime: 11},
        ...many,
        {path: 'a/', type: 'directory', mtime: 12, mode: 0o555},
        {path: 'a/b/', type: 'directory', mtime: 13},
        {path: 'a/b/first', type: 'hardlink', linkPath: 'big/7'},
        {path: 'a/second', type: 'hardlink', linkPath: 'big/7'},
        {path: 'pipe', type: 'fifo'},
        {path: 'a/pipe', type: 'hardlink', linkPath: 'pipe'},
      ];
      const {rootfs} = await write([await layer(...entries)]);
      assert.equal(listTree(rootfs), listTree(fixture.extract(buildTar(entries))));
      assert.is(lstatSync(join(rootfs, 'a/b/first')).nlink, 3);
      const upper = await write([await layer(...entries), await layer({path: 'big/7', content: 'other'})]);
      assert.is(lstatSync(join(upper.rootfs, 'a/b/first')).nlink, 2);
      assert.is(readFileSync(join(upper.rootfs, 'a/second'), 'utf8'), '7');
    },
    {skip},
  );

  test('a link leads nowhere while files are written', async () => {
    const outside = newDirectory();
    const base = await layer({path: 'link', type: 'symlink', linkPath: outside});
    const top = await layer({path: 'link/file', content: 'x'}, {path: 'name', type: 'symlink', linkPath: '/etc'});
    const {rootfs} = await write([base, top]);
    assert.equal(readdirSync(outside), []);
    assert.is(readFileSync(join(rootfs, 'link/file'), 'utf8'), 'x');
  });

  for (const name of ['..', '.', '', 'a/b', '/etc/passwd', 'a\0b']) {
    test(`a damaged index cannot name a file ${JSON.stringify(name)}`, async () => {
      const sound = await stack([await layer({path: 'f', content: 'x'})]);
      const file = sound.entries?.get('f');
      assert.ok(file);
      for (const victim of [file, {...sound, entries: new Map()}]) {
        const damaged = {...sound, entries: new Map([[name, victim]])};
        const directory = newDirectory();
        const error = await rejectionOf(writeRootfs(damaged, {directory, name: 'rootfs'}));
        assert.is(error.code, 'STORE_CORRUPT');
        assert.equal(readdirSync(directory), ['rootfs']);
        assert.equal(readdirSync(join(directory, 'rootfs')), []);
      }
    });
  }

  test('content of any size comes out of its layer, and is counted', async () => {
    const sizes = [1, 511, 512, 262_143, 262_144, 262_145, 3_000_000];
    const files = sizes.map((size) => ({path: `${size}`, content: Buffer.alloc(size, size % 251)}));
    const heard: RootfsProgress[] = [];
    const {rootfs} = await write([await layer(...files)], {onProgress: (progress) => heard.push(progress)});
    for (const {path, content} of files) assert.ok(readFileSync(join(rootfs, path)).equals(content), path);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const done = {entries: sizes.length + 1, totalEntries: sizes.length + 1, bytes, totalBytes: bytes};
    assert.equal(heard.at(-1), done);
  });

  test('a tree may be as deep as that of a layer', async () => {
    const deep = 1020;
    const {rootfs} = await write([await layer({path: `${'d/'.repeat(deep)}f`, content: 'x'})]);
    assert.is(Object.keys(listTree(rootfs)).length, deep + 2);
  });

  test('a layer file that is cut off is a damaged store', async () => {
    for (const size of [9000, 900_000]) {
      const damaged = await layer({path: 'f', content: Buffer.alloc(size, 1)});
      const node = await stack([damaged]);
      truncateSync(damaged.path, 8192);
      const error = await rejectionOf(writeRootfs(node, {directory: newDirectory(), name: 'rootfs'}));
      assert.is(error.code, 'STORE_CORRUPT');
    }
  });

  test(
    'a full disk says so, from whichever thread',
    async () => {
      const files = Array.from({length: 30}, (_, index) => ({path: `d${index}/f`, content: Buffer.alloc(20_000, 1)}));
      const layers = [await layer(...files)];
      const directory = newDirectory();
      const script = 'mount -t tmpfs -o size=200k,mode=700 none "$0" && exec "$@"';
      const words = ['-c', script, directory, process.execPath, PROGRAM, JSON.stringify(layers), directory];
      const {stdout, stderr} = spawnSync('unshare', ['--mount', '/bin/sh', ...words], {encoding: 'utf8'});
      assert.equal([stdout, stderr], ['STORE_FULL', '']);
    },
    {skip: missingFor('unshare')},
  );

  test('an abort ends it with its own reason', async () => {
    const files = Array.from({length: 3000}, (_, index) => ({path: `d${index % 50}/${index}`, content: 'x'}));
    const node = await stack([await layer(...files)]);
    const reason = new Error('enough');
    const controller = new AbortController();
    const directory = newDirectory();
    const onProgress = () => controller.abort(reason);
    const {signal} = controller;
    assert.is(await rejectionOf(writeRootfs(node, {directory, name: 'rootfs'}, {signal, onProgress})), reason);
    assert.is(await rejectionOf(writeRootfs(node, {directory, name: 'again'}, {signal})), reason);
    assert.not(existsSync(join(directory, 'again')));
  });

  test(
    'a user who may not give files away writes what is possible, and counts the rest',
    async () => {
      const base = await layer(
        {...root, mode: 0o755},
        {path: 'closed/', type: 'directory', mode: 0o555, mtime: 3},
        {path: 'closed/secret', content: 's', mode: 0, mtime: 4.25},
        {path: 'dark/', type: 'directory', mode: 0, mtime: 5},
        {path: 'dark/linked', type: 'hardlink', linkPath: 'closed/secret'},
        {path: 'owned', content: 'o', uid: 5, mode: 0o6755},
        {path: 'group', content: 'g', gid: 5, mode: 0o6755},
        {path: 'su', content: 'r', mode: 0o4755},
        {path: 'null', type: 'character', devMajor: 1, devMinor: 3},
        {path: 'sda', type: 'block', devMajor: 8, devMinor: 0},
        {path: 'pipe', type: 'fifo', mode: 0o640},
        {path: 'capable', content: 'c', xattrs: {'user.a': 'b', 'security.capability': CAPABILITY}},
        {path: 'read-only', content: 'c', mode: 0o400, xattrs: {'user.a': 'b'}},
      );
      const {rootfs, stdout} = writeWithout('-all', [base]);
      assert.equal(JSON.parse(stdout), {owners: 2, devices: 2, xattrs: 1});
      const files = listTree(rootfs);
      const modes = Object.entries(files).map(([path, file]) => `${path} ${file.permissions} ${file.owner}`);
      assert.equal(modes.toSorted(), [
        '. 755 0:0',
        './capable 644 0:0',
        './closed 555 0:0',
        './closed/secret 0 0:0',
        './dark 0 0:0',
        './dark/linked 0 0:0',
        './group 4755 0:0',
        './owned 2755 0:0',
        './pipe 640 0:0',
        './read-only 400 0:0',
        './su 4755 0:0',
      ]);
      assert.is(files['./closed']?.mtimeNanoseconds, '3000000000');
      assert.is(files['./dark']?.mtimeNanoseconds, '5000000000');
      assert.is(files['./closed/secret']?.mtimeNanoseconds, '4250000000');
      assert.equal(files['./read-only']?.xattrs, ['user.a=0x62']);
      assert.is(files['./dark/linked']?.links, 2);
    },
    {skip: missingFor('setpriv')},
  );

  test(
    'the mask of the process takes nothing away, and stays',
    async () => {
      const modes = [0o777, 0o666, 0o604, 0o070, 0, 0o1777, 0o6777];
      const entries: TarEntry[] = modes.flatMap((mode) => [
        {path: `d${mode}/`, type: 'directory', mode},
        {path: `f${mode}`, content: 'x', mode},
        {path: `p${mode}`, type: 'fifo', mode},
      ]);
      const node = await stack([await layer(root, ...entries)]);
      const directory = newDirectory();
      const mask = process.umask(0o137);
      try {
        await writeRootfs(node, {directory, name: 'rootfs'});
        assert.is(process.umask(), 0o137);
      } finally {
        process.umask(mask);
      }
      const files = listTree(join(directory, 'rootfs'));
      const found = modes.map((mode) => ['d', 'f', 'p'].map((kind) => files[`./${kind}${mode}`]?.permissions));
      assert.equal(
        found,
        modes.map((mode) => Array(3).fill(mode.toString(8))),
      );
    },
    {skip},
  );

  test(
    'inherits no owners and no rights from the directory above',
    async () => {
      const directory = newDirectory();
      const fd = openSync(directory, 'r');
      const attribute = {name: Buffer.from('system.posix_acl_default'), value: ACCESS_LIST};
      loadTreeCalls().setAttribute(fd, Buffer.from('.'), attribute);
      closeSync(fd);
      mkdirSync(join(directory, 'inherits'));
      assert.is.not(listTree(directory)['./inherits']?.xattrs.length, 0);
      const node = await stack([await layer(root, {path: 'd/', type: 'directory'}, {path: 'd/f', content: 'x'})]);
      await writeRootfs(node, {directory, name: 'rootfs'});
      const found = Object.values(listTree(join(directory, 'rootfs'))).flatMap(({xattrs}) => xattrs);
      assert.equal(found, []);
    },
    {skip},
  );
});

/** Effective and permitted CAP_NET_RAW, revision 2 (linux/capability.h `vfs_cap_data`). */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** An overlay counts the names that lower layers have. */
const withoutLinks = (listing: Listing) =>
  Object.fromEntries(Object.entries(listing).map(([path, file]) => [path, {...file, links: 0}]));

/** `u::rwx,u:12:rwx,g::r-x,m::rwx,o::r-x` (linux/posix_acl_xattr.h). */
const ACCESS_LIST = Buffer.concat([
  Buffer.from([2, 0, 0, 0]),
  ...[
    [1, 7, -1],
    [2, 7, 12],
    [4, 5, -1],
    [16, 7, -1],
    [32, 5, -1],
  ].map(([tag = 0, rights = 0, id = 0]) => {
    const entry = Buffer.alloc(8);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(rights, 2);
    entry.writeInt32LE(id, 4);
    return entry;
  }),
]);
