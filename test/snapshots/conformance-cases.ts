import type {TarEntry} from '../../fixtures/build-tar.ts';
import {directory, file} from './driver-rig.ts';

/** One layer of a case, in the two forms that have to mean the same. */
export interface CaseLayer {
  /** As in an image. */
  readonly entries: readonly TarEntry[];
  /** Names that are whiteouts in a directory made by hand. */
  readonly whiteouts?: readonly string[];
  /** Directories that are opaque in a directory made by hand. */
  readonly opaque?: readonly string[];
}

export interface ConformanceCase {
  readonly title: string;
  /** The one directory in which everything is. */
  readonly name: string;
  /** Base first. */
  readonly layers: readonly CaseLayer[];
  /** Names of a file go while others stay: some drivers count those that are left, as the kernel does not. */
  readonly hidesLinks?: boolean;
}

const MANY = 10_000;
const ODD_NAMES = ['a\nb', ' ', '-rf', '..x', '\\134', '"\'', 'tab\t', 'ü', '\xff\xfe', '\x01\x7f', 'x'.repeat(255)];
/** A capability set of version 2 with `cap_net_raw` permitted and effective (linux/capability.h). */
const NET_RAW = Buffer.from('0100000200200000000000000000000000000000', 'hex');

const within = (name: string, entries: readonly TarEntry[]): readonly TarEntry[] => [directory(name), ...entries];
const whiteout = (path: string): TarEntry => file(path, '');
const symlink = (path: string, linkPath: string): TarEntry => ({path, type: 'symlink', linkPath, mode: 0o777});
const hardLink = (path: string, linkPath: string): TarEntry => ({path, type: 'hardlink', linkPath});
/** One character per byte. */
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  {
    title: 'a whiteout of a file',
    name: 'wf',
    layers: [
      {entries: within('wf', [file('wf/gone'), file('wf/kept')])},
      {entries: within('wf', [whiteout('wf/.wh.gone')]), whiteouts: ['wf/gone']},
    ],
  },
  {
    title: 'a whiteout of a directory with others in it',
    name: 'wd',
    layers: [
      {
        entries: within('wd', [
          directory('wd/gone'),
          directory('wd/gone/deep'),
          file('wd/gone/deep/f'),
          file('wd/kept'),
        ]),
      },
      {entries: within('wd', [whiteout('wd/.wh.gone')]), whiteouts: ['wd/gone']},
    ],
  },
  {
    title: 'a whiteout of what is not there',
    name: 'wn',
    layers: [
      {entries: within('wn', [file('wn/kept')])},
      {
        entries: within('wn', [whiteout('wn/.wh.ghost'), directory('wn/own'), whiteout('wn/own/.wh.ghost')]),
        // By hand there is no ghost in `own`: the kernel would list it where it has nothing to merge.
        whiteouts: ['wn/ghost'],
      },
    ],
  },
  {
    title: 'a file that a third layer brings back',
    name: 'wb',
    layers: [
      {entries: within('wb', [file('wb/f', 'old'), directory('wb/d'), file('wb/d/old')])},
      {entries: within('wb', [whiteout('wb/.wh.f'), whiteout('wb/.wh.d')]), whiteouts: ['wb/f', 'wb/d']},
      {entries: within('wb', [file('wb/f', 'new'), directory('wb/d', 0o700), file('wb/d/new')])},
    ],
  },
  {
    title: 'an opaque directory',
    name: 'op',
    layers: [
      {entries: within('op', [directory('op/d'), file('op/d/gone'), directory('op/d/sub'), file('op/d/sub/gone')])},
      {
        entries: within('op', [directory('op/d', 0o750), whiteout('op/d/.wh..wh..opq'), file('op/d/new')]),
        opaque: ['op/d'],
      },
    ],
  },
  {
    title: 'an opaque directory whose lower one is opaque, below one that is merged',
    name: 'oo',
    layers: [
      {entries: within('oo', [directory('oo/a'), file('oo/a/1'), directory('oo/a/b'), file('oo/a/b/1')])},
      {
        entries: within('oo', [
          directory('oo/a'),
          file('oo/a/2'),
          directory('oo/a/b'),
          whiteout('oo/a/b/.wh..wh..opq'),
          file('oo/a/b/2'),
        ]),
        opaque: ['oo/a/b'],
      },
      {entries: within('oo', [directory('oo/a'), directory('oo/a/b', 0o711), file('oo/a/b/3')])},
    ],
  },
  {
    title: 'a file that becomes a directory',
    name: 'fd',
    layers: [
      {entries: within('fd', [file('fd/x')])},
      {entries: within('fd', [directory('fd/x'), file('fd/x/inside')])},
    ],
  },
  {
    title: 'a directory that becomes a file, and a directory again',
    name: 'df',
    layers: [
      {entries: within('df', [directory('df/x'), file('df/x/1'), directory('df/y'), file('df/y/1')])},
      {entries: within('df', [file('df/x'), file('df/y')])},
      {entries: within('df', [directory('df/y'), file('df/y/3')])},
    ],
  },
  {
    title: 'a whiteout and what is made anew of the same name, in either order',
    name: 'wr',
    layers: [
      {
        entries: within('wr', [
          directory('wr/a'),
          file('wr/a/old'),
          directory('wr/b'),
          file('wr/b/old'),
          file('wr/c', 'old'),
        ]),
      },
      {
        entries: within('wr', [
          whiteout('wr/.wh.a'),
          directory('wr/a', 0o701),
          file('wr/a/new'),
          directory('wr/b', 0o702),
          file('wr/b/new'),
          whiteout('wr/.wh.b'),
          whiteout('wr/.wh.c'),
          file('wr/c', 'new'),
        ]),
        opaque: ['wr/a', 'wr/b'],
      },
    ],
  },
  {
    title: 'hard links across directories',
    name: 'hl',
    layers: [
      {
        entries: within('hl', [
          directory('hl/a'),
          directory('hl/b'),
          file('hl/a/one', 'shared'),
          hardLink('hl/b/two', 'hl/a/one'),
          hardLink('hl/three', 'hl/b/two'),
          file('hl/alone', 'shared'),
        ]),
      },
      {entries: within('hl', [directory('hl/b'), file('hl/b/other'), hardLink('hl/b/twin', 'hl/b/other')])},
    ],
  },
  {
    title: 'a hard link whose other names are hidden or replaced',
    name: 'hh',
    hidesLinks: true,
    layers: [
      {
        entries: within('hh', [
          file('hh/a', 'shared'),
          hardLink('hh/b', 'hh/a'),
          hardLink('hh/c', 'hh/a'),
          hardLink('hh/d', 'hh/a'),
        ]),
      },
      {entries: within('hh', [whiteout('hh/.wh.a'), file('hh/b', 'own')]), whiteouts: ['hh/a']},
    ],
  },
  {
    title: 'a symlink that becomes a directory, and the reverse',
    name: 'sd',
    layers: [
      {
        entries: within('sd', [
          directory('sd/real'),
          file('sd/real/f'),
          symlink('sd/x', 'real'),
          directory('sd/y'),
          file('sd/y/f'),
        ]),
      },
      {entries: within('sd', [directory('sd/x'), file('sd/x/own'), symlink('sd/y', '/absolute/../target')])},
    ],
  },
  {
    title: 'devices and pipes',
    name: 'dn',
    layers: [
      {
        entries: within('dn', [
          {path: 'dn/null', type: 'character', devMajor: 1, devMinor: 3, mode: 0o666},
          {path: 'dn/loop', type: 'block', devMajor: 7, devMinor: 300, mode: 0o660, gid: 6},
          {path: 'dn/pipe', type: 'fifo', mode: 0o622},
          {path: 'dn/gone', type: 'fifo'},
        ]),
      },
      {
        entries: within('dn', [
          whiteout('dn/.wh.gone'),
          {path: 'dn/zero', type: 'character', devMajor: 1, devMinor: 5},
        ]),
        whiteouts: ['dn/gone'],
      },
    ],
  },
  {
    title: 'extended attributes',
    name: 'xa',
    layers: [
      {
        entries: within('xa', [
          {path: 'xa/ping', content: 'program', mode: 0o755, xattrs: {'security.capability': NET_RAW}},
          {path: 'xa/f', xattrs: {'user.text': 'value', 'user.empty': '', 'user.binary': Buffer.from([0, 255, 10])}},
          {path: 'xa/d', type: 'directory', xattrs: {'user.of': 'lower', 'trusted.kept': 'yes'}},
          {path: 'xa/replaced', xattrs: {'user.gone': '1'}},
        ]),
      },
      {
        entries: within('xa', [
          {path: 'xa/d', type: 'directory', xattrs: {'user.of': 'upper'}},
          {path: 'xa/replaced', content: 'new'},
        ]),
      },
    ],
  },
  {
    title: 'owners, modes with all bits, and times',
    name: 'om',
    layers: [
      {
        entries: within('om', [
          {path: 'om/suid', content: 'x', mode: 0o4755},
          {path: 'om/sgid', content: 'x', mode: 0o2711, uid: 1000, gid: 1001},
          {path: 'om/none', mode: 0, uid: 65_534, gid: 4_000_000_000},
          {path: 'om/tmp', type: 'directory', mode: 0o1777, mtime: 1},
          {path: 'om/shared', type: 'directory', mode: 0o2775, uid: 7, gid: 8, mtime: 2_000_000_000},
          {path: 'om/fine', mtime: 1_600_000_000.25},
          {path: 'om/future', mtime: 4_000_000_000},
          {path: 'om/link', type: 'symlink', linkPath: 'fine', uid: 5, gid: 6, mtime: 77, mode: 0o777},
        ]),
      },
      {entries: [{path: 'om', type: 'directory', mode: 0o511, uid: 3, gid: 4, mtime: 99}]},
    ],
  },
  {
    title: 'names of any bytes',
    name: 'ob',
    layers: [
      {
        entries: within(
          'ob',
          ODD_NAMES.map((name) => ({path: bytes(`ob/${name}`), content: name})),
        ),
      },
      {
        entries: within('ob', [
          {path: bytes('ob/.wh.\xff\xfe'), content: ''},
          {path: bytes('ob/a\nb'), content: 'new'},
        ]),
        whiteouts: ['ob/\xff\xfe'],
      },
    ],
  },
  {
    title: `a directory of ${MANY} names`,
    name: 'mn',
    layers: [
      {
        entries: within(
          'mn',
          Array.from({length: MANY}, (_, index) => file(`mn/${index}`, index % 100 === 0 ? 'x' : '')),
        ),
      },
      {
        entries: within(
          'mn',
          Array.from({length: 50}, (_, index) => whiteout(`mn/.wh.${index * 7}`)),
        ),
        whiteouts: Array.from({length: 50}, (_, index) => `mn/${index * 7}`),
      },
    ],
  },
];
