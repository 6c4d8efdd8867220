import type {TarEntry} from '../../fixtures/build-tar.ts';
import {FILE_TYPE, type ListedFile} from '../helpers/file-tree.ts';

const directory = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({path, type: 'directory', ...more});
const file = (path: string | Buffer, content: string, more: Partial<TarEntry> = {}): TarEntry => ({
  path,
  content,
  ...more,
});
const whiteout = (path: string): TarEntry => ({path});

/** Effective and permitted CAP_NET_RAW, revision 2 (linux/capability.h `vfs_cap_data`). */
const FILE_CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const LONG_NAME = 'n'.repeat(255);
const DEEP = Array.from({length: 12}, (_, index) => `${index}${'d'.repeat(38)}`);

/** Every kind of file that a layer can hold. */
const KINDS: readonly TarEntry[] = [
  directory('./', {mode: 0o755}),
  directory('bin/', {mtime: 1_600_000_000.25}),
  file('bin/setuid', 'u', {mode: 0o4755}),
  file('bin/setgid', 'g', {mode: 0o2755, uid: 1000, gid: 50}),
  file('bin/owned', 'o', {uid: 70_000, gid: 4_000_000, mode: 0o600}),
  directory('tmp/', {mode: 0o1777}),
  file('tmp/empty', ''),
  file('tmp/large', 'x'.repeat(300_000)),
  file('tmp/precise', 'p', {pax: [['mtime', '1600000001.987654321']]}),
  file('tmp/old', 'o', {mtime: 1}),
  directory('kinds/'),
  {path: 'kinds/pipe', type: 'fifo', mode: 0o640},
  {path: 'kinds/null', type: 'character', devMajor: 1, devMinor: 3, mode: 0o666},
  {path: 'kinds/loop', type: 'block', devMajor: 7, devMinor: 0, mode: 0o660},
  {path: 'kinds/relative', type: 'symlink', linkPath: '../tmp/empty', mode: 0o777},
  {path: 'kinds/nowhere', type: 'symlink', linkPath: `/${'t'.repeat(250)}/${'t'.repeat(250)}`, mode: 0o777},
  file('kinds/attributes', 'x', {xattrs: {'user.note': 'text', 'user.binary': Buffer.from([0, 1, 0xff, 10])}}),
  file('kinds/capable', 'c', {mode: 0o755, xattrs: {'security.capability': FILE_CAPABILITY}}),
  directory('kinds/marked/', {xattrs: {'user.directory': 'yes'}}),
  directory('names/'),
  file('names/space and "quotes"\\', '1'),
  file('names/line\nbreak', '2'),
  file('names/ünïcode', '3'),
  file(Buffer.from('names/\xe9\xff.latin', 'latin1'), '4'),
  file(`names/${LONG_NAME}`, '5'),
  ...DEEP.map((_, index) => directory(`names/${DEEP.slice(0, index + 1).join('/')}/`)),
  file(`names/${DEEP.join('/')}/gnu`, '6', {format: 'gnu'}),
  directory('links/'),
  file('links/first', 'linked', {mode: 0o640}),
  {path: 'links/second', type: 'hardlink', linkPath: 'links/first', mode: 0o640},
  {path: 'links/third', type: 'hardlink', linkPath: 'links/second', mode: 0o640},
];

/** What the layers above delete and replace. */
const VICTIMS: readonly TarEntry[] = [
  directory('gone/'),
  file('gone/file', 'deleted alone'),
  file('gone/kept', 'kept'),
  directory('gone/directory/'),
  file('gone/directory/deep', 'deleted with its directory'),
  directory('opaque/'),
  file('opaque/old', 'hidden'),
  directory('opaque/inner/'),
  file('opaque/inner/old', 'hidden'),
  directory('merged/'),
  file('merged/lower', 'lower'),
  file('merged/both', 'lower'),
  directory('turned/'),
  file('turned/into-directory', 'a file'),
  directory('turned/into-file/'),
  file('turned/into-file/inner', 'hidden'),
  directory('turned/into-symlink/'),
  file('turned/into-symlink/inner', 'hidden'),
  {path: 'turned/from-symlink', type: 'symlink', linkPath: '../merged', mode: 0o777},
  directory('again/'),
  file('again/inner', 'deleted and made again'),
];

// Every layer has entries for its directories, the root included: what becomes of the others' attributes differs
// between the tools, umoci giving them the time of unpacking.
const CHANGES: readonly TarEntry[] = [
  directory('./'),
  directory('gone/', {mtime: 1_650_000_000}),
  whiteout('gone/.wh.file'),
  whiteout('gone/.wh.directory'),
  directory('opaque/', {mode: 0o750, mtime: 1_650_000_001}),
  file('opaque/new', 'visible'),
  whiteout('opaque/.wh..wh..opq'),
  directory('merged/', {mode: 0o700, uid: 7, mtime: 1_650_000_002}),
  file('merged/both', 'upper', {mode: 0o600}),
  file('merged/upper', 'upper'),
  directory('turned/', {mtime: 1_650_000_003}),
  directory('turned/into-directory/'),
  file('turned/into-directory/inner', 'new'),
  file('turned/into-file', 'a file now'),
  {path: 'turned/into-symlink', type: 'symlink', linkPath: '../merged', mode: 0o777},
  directory('turned/from-symlink/'),
  file('turned/from-symlink/inner', 'not in merged'),
  // Deletes nothing: only this layer has the directory.
  directory('fresh/'),
  whiteout('fresh/.wh.nothing'),
  file('fresh/file', 'here'),
  directory('links/', {mtime: 1_650_000_004}),
  whiteout('links/.wh.third'),
];

const LATE: readonly TarEntry[] = [
  directory('./', {mode: 0o751, uid: 1, mtime: 1_640_000_000}),
  // Deletes and makes again, in both orders.
  whiteout('.wh.again'),
  directory('again/', {mtime: 1_660_000_000}),
  file('again/other', 'new'),
  directory('gone/', {mtime: 1_660_000_001}),
  file('gone/file', 'back again'),
  whiteout('gone/.wh.kept'),
  directory('late/'),
  file('late/a', 'late'),
  {path: 'late/b', type: 'hardlink', linkPath: 'late/a'},
];

/** A file system in layers, base first; the last two are equal, and delete nothing that the first of them brought. */
export const TREE_LAYERS: readonly (readonly TarEntry[])[] = [[...KINDS, ...VICTIMS], CHANGES, LATE, LATE];

/** An opaque root: nothing of the layers below is left. */
export const REPLACED_ROOT: readonly (readonly TarEntry[])[] = [
  [...KINDS],
  [directory('./', {mode: 0o711, mtime: 1_670_000_000}), whiteout('.wh..wh..opq'), file('only', 'this')],
];

/** A tree without what file systems count on their own account: the links of directories. */
export const comparable = (tree: Readonly<Record<string, ListedFile>>): Record<string, ListedFile> =>
  Object.fromEntries(
    Object.entries(tree).map(([path, entry]) => [
      path,
      entry.type === FILE_TYPE.directory ? {...entry, links: 0} : entry,
    ]),
  );
