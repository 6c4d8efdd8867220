import {createHash} from 'node:crypto';
import * as assert from 'uvu/assert';
import {paxRecord, type TarEntry} from '../../fixtures/build-tar.ts';
import {FILE_TYPE, type ListedFile, type Listing} from '../helpers/file-tree.ts';

/** One layer that somebody may send, and what must come of it. */
export interface HostileLayer {
  /** Of its row in the list of faults. */
  readonly id: string;
  readonly title: string;
  /** A layer below it. */
  readonly base?: readonly TarEntry[];
  readonly layer: readonly TarEntry[];
  /** Bytes after the last member; absent: two blocks of zeros. */
  readonly trailer?: Buffer;
  readonly expected: Refused | Shown;
}

interface Refused {
  readonly refused: string;
  readonly message?: RegExp;
}

interface Shown {
  /** All files of the merged image by path, as {@link describeListing} has them. */
  readonly shows: Readonly<Record<string, string>>;
  readonly check?: (files: Listing) => void;
  readonly warning?: RegExp;
}

const link = (path: string, linkPath: string): TarEntry => ({path, type: 'symlink', linkPath});
const hardlink = (path: string, linkPath: string): TarEntry => ({path, type: 'hardlink', linkPath});
const directory = (path: string): TarEntry => ({path, type: 'directory'});
const file = (content = ''): string => `file ${createHash('sha256').update(content).digest('hex')}`;
const BYTES_FF = Buffer.from([0xff]).toString('latin1');
const BYTES_FE = Buffer.from([0xfe]).toString('latin1');
const UTF8 = (text: string) => Buffer.from(text).toString('latin1');
const NO_TRAILER = Buffer.alloc(0);
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const SPARSE_REGIONS = 10_000_000;

/** What overlays and bundles show, path by path, without the root. */
export const describeListing = (files: Listing): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path !== '.')
      .map(([path, found]) => [path.slice('./'.length), describeFile(found)]),
  );

function describeFile({type, content, device}: ListedFile): string {
  const name = Object.entries(FILE_TYPE).find(([, value]) => value === type)?.[0] ?? 'unknown';
  if (type === FILE_TYPE.symlink) return `→ ${content}`;
  if (type === FILE_TYPE.file) return `file ${content}`;
  return type === FILE_TYPE.character || type === FILE_TYPE.block ? `${name} ${device}` : name;
}

/** @param canary A directory outside the store with a file `secret`. */
export function hostileLayers(canary: string): readonly HostileLayer[] {
  return [...paths(canary), ...links(canary), ...names(), ...whiteouts(), ...metadata(), ...formats(), ...limits()];
}

const refuseEach = (
  id: string,
  {title, refused, message}: Refused & {readonly title: string},
  layers: readonly (readonly TarEntry[])[],
): readonly HostileLayer[] =>
  layers.map((layer, index) => ({
    id,
    title: `${title} (${index + 1})`,
    layer,
    expected: {refused, ...(message && {message})},
  }));

function paths(canary: string): readonly HostileLayer[] {
  const outside = {refused: 'TAR_PATH', message: /tar entry "/, title: 'a file outside the image is refused by name'};
  const root = {refused: 'TAR_PATH', title: 'an entry that would replace the root is refused'};
  const inside = canary.slice(1);
  const parents = inside.split('/').map((_, index, all) => all.slice(0, index + 1).join('/'));
  const madeInside = Object.fromEntries(parents.map((path) => [path, 'directory']));
  return [
    ...refuseEach(
      'T01',
      outside,
      ['../../canary', '/../canary', 'a/../../canary', '..', `../../../..${canary}/f`].map((path) => [{path}]),
    ),
    {
      id: 'T02',
      title: 'an absolute path lies inside the image',
      layer: [{path: '/etc/x', content: '1'}, {path: `${canary}/f`}],
      expected: {shows: {etc: 'directory', 'etc/x': file('1'), ...madeInside, [`${inside}/f`]: file()}},
    },
    {
      id: 'T03',
      title: 'a file behind an absolute symlink lies inside the image',
      layer: [link('a', canary), {path: 'a/f', content: '2'}],
      expected: {shows: {a: `→ ${canary}`, ...madeInside, [`${inside}/f`]: file('2')}},
    },
    {
      id: 'T04',
      title: 'a file behind a symlink that climbs lies inside the image',
      layer: [link('a', '../../../../../../../../..'), {path: 'a/f', content: '3'}],
      expected: {shows: {a: '→ ../../../../../../../../..', f: file('3')}},
    },
    ...refuseEach(
      'T05',
      root,
      ['/.', '', './', '/', 'a/..'].flatMap((path) => [
        [link(path, '/')],
        [{path, type: 'fifo'}],
        [hardlink(path, 'a')],
      ]),
    ),
  ];
}

function links(canary: string): readonly HostileLayer[] {
  const missing = {refused: 'TAR_LINK', message: /this layer does not have/, title: 'a hard link out of the layer'};
  return [
    ...refuseEach('T06', missing, [
      [hardlink('l', `${canary}/secret`)],
      [hardlink('a/l', `${canary.slice(1)}/secret`)],
    ]),
    ...refuseEach('T06', {refused: 'TAR_LINK', title: 'a hard link that climbs is refused'}, [
      [hardlink('l', `../../../..${canary}/secret`)],
      [link('up', '../..'), hardlink('l', 'up/../up/secret')],
    ]),
    ...refuseEach('T08', missing, [[hardlink('l', 'package.json')], [hardlink('l', './package.json')]]),
    {
      id: 'T09',
      title: 'a hard link to a symlink is one more name of the symlink',
      layer: [link('s', `${canary}/secret`), hardlink('h', 's'), {path: 'h', content: 'written'}],
      expected: {shows: {s: `→ ${canary}/secret`, h: file('written')}},
    },
    {
      id: 'T09',
      title: 'a hard link to a symlink is not followed',
      layer: [link('s', `${canary}/secret`), hardlink('h', 's')],
      expected: {
        shows: {s: `→ ${canary}/secret`, h: `→ ${canary}/secret`},
        check: (files) => assert.is(files['./h']?.links, 2),
      },
    },
    {
      id: 'T11',
      title: 'a directory that becomes a symlink leads inside the image only',
      layer: [directory('d'), {path: 'd/old'}, link('d', '/e'), {path: 'd/f', content: '4'}],
      expected: {shows: {d: '→ /e', e: 'directory', 'e/f': file('4')}},
    },
    {
      id: 'T18',
      title: 'a symlink of a lower layer gives way to the directory above it',
      base: [link('lib', 'usr/lib'), {path: 'usr/lib/old'}],
      layer: [{path: 'lib/x'}],
      expected: {
        shows: {usr: 'directory', 'usr/lib': 'directory', 'usr/lib/old': file(), lib: 'directory', 'lib/x': file()},
      },
    },
    {
      id: 'T19',
      title: 'a file with an entry below it becomes a directory, with a warning',
      layer: [{path: 'f', content: 'x'}, {path: 'f/g'}],
      expected: {shows: {f: 'directory', 'f/g': file()}, warning: /replaced by directories/},
    },
    {
      id: 'T21',
      title: 'a hard link before its target is one more name of it',
      layer: [hardlink('first', 'last'), {path: 'last', content: '5'}],
      expected: {
        shows: {first: file('5'), last: file('5')},
        check: (files) => assert.is(files['./first']?.links, 2),
      },
    },
    {
      id: 'T21',
      title: 'a hard link to a file of a lower layer is refused',
      base: [{path: 'lower'}],
      layer: [hardlink('upper', 'lower')],
      expected: {refused: 'TAR_LINK', message: /"upper" is a hard link to "lower", which this layer does not have/},
    },
  ];
}

function names(): readonly HostileLayer[] {
  const twins = ['Foo', 'foo', 'caf\u00e9', 'cafe\u0301', 'a\\b', 'a'];
  const bytes = [Buffer.from([0xff]), Buffer.from([0xfe]), 'two\nlines', 'esc\x1b[2K'];
  return [
    {
      id: 'T12',
      title: 'names that differ in one byte are two files',
      layer: twins.map((path, index) => ({path, content: `${index}`})),
      expected: {shows: Object.fromEntries(twins.map((name, index) => [UTF8(name), file(`${index}`)]))},
    },
    {
      id: 'T13',
      title: 'names that are no text keep their bytes',
      layer: bytes.map((path) => ({path, content: String(path)})),
      expected: {
        shows: {
          [BYTES_FF]: file(String(bytes[0])),
          [BYTES_FE]: file(String(bytes[1])),
          'two\nlines': file('two\nlines'),
          'esc\x1b[2K': file('esc\x1b[2K'),
        },
      },
    },
    {
      id: 'T13',
      title: 'a name with control characters is escaped where it is refused',
      layer: [{path: '../\x1b[2K\r\nDone'}],
      expected: {refused: 'TAR_PATH', message: /Done/},
    },
  ];
}

function whiteouts(): readonly HostileLayer[] {
  const base = [{path: 'd/a', content: 'old'}, {path: 'd/b'}, {path: 'f', content: 'old'}];
  return [
    ...refuseEach(
      'T14',
      {refused: 'WHITEOUT_INVALID', title: 'a whiteout without a name is refused'},
      ['.wh.', '.wh..', '.wh...', 'etc/.wh...', 'etc/.wh.'].map((path) => [{path}]),
    ),
    {
      id: 'T15',
      title: 'a whiteout leaves the file that its own layer adds, before it or behind it',
      base,
      layer: [{path: 'f', content: 'new'}, {path: '.wh.f'}, {path: 'd/.wh.a'}, {path: 'd/a', content: 'new'}],
      expected: {shows: {f: file('new'), d: 'directory', 'd/a': file('new'), 'd/b': file()}},
    },
    {
      id: 'T16',
      title: 'an opaque marker behind its siblings hides lower files only, and no name twice',
      base,
      layer: [{path: 'd/c'}, {path: 'd/.wh.a'}, {path: 'd/.wh.never'}, {path: 'd/.wh..wh..opq'}, {path: 'd/e'}],
      expected: {shows: {f: file('old'), d: 'directory', 'd/c': file(), 'd/e': file()}},
    },
    {
      id: 'T16',
      title: 'a directory below its own whiteout starts empty',
      base,
      layer: [{path: '.wh.d'}, {path: 'd/c'}, {path: '.wh.f'}],
      expected: {shows: {d: 'directory', 'd/c': file()}},
    },
  ];
}

function metadata(): readonly HostileLayer[] {
  const time = (path: string, value: string): TarEntry => ({path, pax: [['mtime', value]]});
  return [
    {
      id: 'T22',
      title: 'devices and FIFOs are kept',
      layer: [
        {path: 'sda', type: 'block', devMajor: 8, devMinor: 0},
        {path: 'null', type: 'character', devMajor: 1, devMinor: 3},
        {path: 'pipe', type: 'fifo'},
      ],
      expected: {shows: {sda: 'block 8:0', null: 'character 1:3', pipe: 'fifo'}},
    },
    ...refuseEach('T22', {refused: 'TAR_INVALID', title: 'devices that no kernel has, and types that no tar has'}, [
      [{path: 'f', type: 'block', devMajor: 2 ** 33, format: 'gnu'}],
      [{path: 'f', type: 'character', devMajor: -1, format: 'gnu'}],
      [{path: 'f', type: 'character', devMinor: 2 ** 20}],
      [{path: 'f', type: 's'}],
    ]),
    {
      id: 'T23',
      title: 'set-user-id and sticky bits are kept',
      layer: [
        {path: 'sudo', mode: 0o4755},
        {path: 'd', type: 'directory', mode: 0o4777},
        {path: 'tmp', type: 'directory', mode: 0o1777},
      ],
      expected: {
        shows: {sudo: file(), d: 'directory', tmp: 'directory'},
        check: (files) => {
          assert.equal(
            ['./sudo', './d', './tmp'].map((path) => files[path]?.permissions),
            ['4755', '4777', '1777'],
          );
        },
      },
    },
    {
      id: 'T24',
      title: 'attributes that steer an overlay are dropped with a warning, capabilities are kept',
      base: [{path: 'd/lower'}],
      layer: [
        {
          path: 'd',
          type: 'directory',
          xattrs: {'trusted.overlay.opaque': 'y', 'trusted.overlay.redirect': '/x', 'user.overlay.opaque': 'y'},
        },
        {
          path: 'f',
          xattrs: {'trusted.overlay.metacopy': '', 'security.selinux': 'c', 'security.capability': CAPABILITY},
        },
      ],
      expected: {
        shows: {d: 'directory', 'd/lower': file(), f: file()},
        check: (files) => {
          assert.equal(files['./d']?.xattrs, []);
          assert.equal(files['./f']?.xattrs, [`security.capability=0x${CAPABILITY.toString('hex')}`]);
        },
        warning: /attribute "?trusted\.overlay\.opaque"? was dropped/,
      },
    },
    ...refuseEach('T24', {refused: 'TAR_LIMIT', title: 'attributes of a size that no file system stores'}, [
      [{path: 'f', xattrs: {'user.big': Buffer.alloc(900_000)}}],
      [{path: 'f', xattrs: Object.fromEntries(Array.from({length: 10_000}, (_, at) => [`user.name-${at}-long`, '']))}],
    ]),
    ...refuseEach('T24', {refused: 'TAR_LIMIT', title: 'an extended header over 1 MiB'}, [
      [{path: 'f', xattrs: {'user.big': Buffer.alloc(2 ** 20)}}],
    ]),
    {
      id: 'T25',
      title: 'large ids are kept, modes are masked, times are clamped',
      layer: [
        {path: 'high', uid: 2 ** 31, gid: 2 ** 32 - 2},
        {path: 'mode', mode: 0o177777},
        {path: 'before', mtime: -1, format: 'gnu'},
        time('after', '9223372036854775808'),
        time('precise', '1600000001.987654321'),
      ],
      expected: {
        shows: {high: file(), mode: file(), before: file(), after: file(), precise: file()},
        check: (files) => {
          assert.is(files['./high']?.owner, `${2 ** 31}:${2 ** 32 - 2}`);
          assert.is(files['./mode']?.permissions, '7777');
          assert.is(files['./before']?.mtimeNanoseconds, '0');
          assert.is(files['./after']?.mtimeNanoseconds, `${2 ** 33}000000000`);
          assert.is(files['./precise']?.mtimeNanoseconds, '1600000001987654321');
        },
      },
    },
    ...refuseEach('T25', {refused: 'TAR_INVALID', title: 'ids and times that are no number are refused'}, [
      [{path: 'f', uid: 2 ** 32 - 1}],
      [{path: 'f', uid: -1, format: 'gnu'}],
      [{path: 'f', pax: [['uid', '1e3']]}],
      [{path: 'f', pax: [['gid', '-1']]}],
      [time('f', 'inf')],
    ]),
  ];
}

function formats(): readonly HostileLayer[] {
  const long = `${'d'.repeat(120)}/n`;
  const ambiguous = {refused: 'TAR_INVALID', title: 'headers that readers of tars read differently are refused'};
  const invalid = {refused: 'TAR_INVALID', title: 'a damaged header is refused'};
  return [
    {
      id: 'T26',
      title: 'a PAX size counts for the file and not for the long name before it',
      layer: [
        {path: 'PaxHeaders/x', type: 'x', content: paxRecord('size', '700')},
        {path: '././@LongLink', type: 'L', content: `${long}\0`},
        {path: 'short', content: 'x'.repeat(700), size: 0},
        {
          path: 'twice',
          pax: [
            ['path', 'first'],
            ['path', 'second'],
          ],
        },
      ],
      expected: {shows: {[long.slice(0, 120)]: 'directory', [long]: file('x'.repeat(700)), second: file()}},
    },
    ...refuseEach('T26', ambiguous, [
      [
        {path: 'x', type: 'x', content: paxRecord('uid', '1')},
        {path: 'f', pax: [['uid', '2']]},
      ],
      [{path: 'g', type: 'g', content: paxRecord('path', 'all')}, {path: 'f'}],
      [
        {path: 'L', type: 'L', content: 'one\0'},
        {path: 'f', pax: [['path', 'two']]},
      ],
      [{path: 'f', pax: Buffer.from('8 path=a\n')}],
      [{path: 'f', pax: Buffer.from('999998 path=a\n')}],
      [{path: 'f', pax: Buffer.from('-5 a=b\n')}],
      [{path: 'd', type: 'directory', pax: [['size', '-1']]}],
      [{path: 'f', pax: [['atime', 'never']]}],
      [
        {
          path: 'f',
          pax: [
            ['mtime', ' 1'],
            ['mtime', '8'],
          ],
        },
      ],
      [{path: 'f', xattrs: {'user.a\0b': 'x'}}],
      [{path: 'g', type: 'g', content: Buffer.concat([paxRecord('uid', '7'), paxRecord('uid', '8')])}, {path: 'f'}],
      [{path: 'f/'}],
      [{path: 'd/', type: '\0', size: 512, content: Buffer.alloc(512)}],
      [{path: 'd/', type: '\0', pax: [['path', 'd']]}],
    ]),
    ...refuseEach('T27', {refused: 'TAR_SPARSE', title: 'sparse files are refused by name'}, [
      [{path: 'f', type: 'S'}],
      [{path: 'f', content: `${SPARSE_REGIONS}\n${'1\n'.repeat(100)}`, pax: [['GNU.sparse.major', '1']]}],
      [{path: 'f', pax: [['GNU.sparse.numblocks', `${SPARSE_REGIONS}`]]}],
    ]),
    ...refuseEach('T28', invalid, [
      [{path: 'f', size: -1, format: 'gnu'}],
      [{path: 'f', size: 2 ** 60, format: 'gnu'}],
      [{path: 'f', checksum: 'wrong'}],
      [{path: 'f', patch: (header) => header.write('12x', 124)}],
      [{path: 'f', patch: (header) => header.write('\x001', 124)}],
      [{path: 'f', patch: (header) => header.fill(0x81, 136, 137)}],
      [{path: 'f', patch: (header) => header.fill(0xc0, 329, 330)}],
      [{path: 'f', content: 'x', size: 100_000}],
    ]),
    {
      id: 'T28',
      title: 'a tar without a trailer is accepted behind a whole entry, whatever its dialect',
      layer: [
        {path: 'd/', type: '\0', format: 'v7'},
        {path: 'd/f', content: 'x', format: 'v7'},
      ],
      trailer: NO_TRAILER,
      expected: {shows: {d: 'directory', 'd/f': file('x')}},
    },
    {
      id: 'T28',
      title: 'one block of zeros ends a tar as well as two',
      layer: [{path: 'f', format: 'gnu'}],
      trailer: Buffer.alloc(512),
      expected: {shows: {f: file()}},
    },
  ];
}

function limits(): readonly HostileLayer[] {
  return refuseEach('T29', {refused: 'TAR_LIMIT', title: 'names, paths and depths beyond what Linux has'}, [
    [{path: 'n'.repeat(256)}],
    [directory('nnnn/'.repeat(1000))],
    [directory('d/'.repeat(5000))],
    [link('l', 't'.repeat(4096))],
    [{path: `a/${'n'.repeat(256)}/../b`}],
  ]);
}
