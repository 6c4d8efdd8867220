import * as assert from 'uvu/assert';
import {buildTar, paxRecord} from '../../fixtures/build-tar.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {readTar} from './tree-listing.ts';

const LONG = 'd'.repeat(120);

describe('layers/tar-reader', ({test}) => {
  test('yields the same entries however the tar is cut into pieces', () => {
    const tar = buildTar([
      {path: 'd/', type: 'directory'},
      {path: `${LONG}/f`, content: 'x'.repeat(1025)},
      {path: `${LONG}/g`, format: 'gnu', content: 'y'},
      {path: 'l', type: 'symlink', linkPath: `${LONG}/f`},
      {path: 'x', xattrs: {'user.a': 'b'}, mtime: 1.5},
    ]);
    const whole = readTar(tar);
    assert.is(whole.length, 5);
    for (const pieceBytes of [1, 7, 511, 512, 513, 1024])
      assert.equal(readTar(tar, pieceBytes), whole, `${pieceBytes}`);
  });

  test('says where content lies and passes over it', () => {
    const [first, second] = readTar(
      buildTar([
        {path: 'a', content: 'x'.repeat(513)},
        {path: 'b', content: 'y'},
      ]),
    );
    assert.equal([first?.dataOffset, first?.size], [512, 513]);
    assert.equal([second?.dataOffset, second?.size], [2048, 1]);
  });

  test('reads ustar prefixes, GNU long names, PAX names and v7 headers', () => {
    const path = `${'p'.repeat(80)}/${'n'.repeat(80)}`;
    const linkPath = 't'.repeat(300);
    for (const format of ['ustar', 'gnu', 'pax'] as const) {
      assert.is(readTar(buildTar([{path, format}]))[0]?.path, path, format);
    }
    for (const format of ['gnu', 'pax'] as const) {
      assert.is(readTar(buildTar([{path: 'l', type: 'symlink', linkPath, format}]))[0]?.linkPath, linkPath, format);
    }
    const v7 = readTar(buildTar([{path: 'd/', type: '\0', patch: (header) => header.fill(0, 257, 512)}]));
    assert.equal([v7[0]?.path, v7[0]?.type], ['d/', 'directory']);
  });

  test('keeps names that are no UTF-8 byte for byte', () => {
    const names = [Buffer.from([0xff]), Buffer.from([0xfe, 0x0a, 0x1b]), Buffer.from('é'), Buffer.from('e\u0301')];
    const entries = readTar(buildTar(names.map((path) => ({path}))));
    assert.equal(
      entries.map(({path}) => Buffer.from(path, 'latin1')),
      names,
    );
  });

  test('reads base-256 numbers, and refuses negative and unsafe sizes', () => {
    assert.is(readTar(buildTar([{path: 'f', uid: 2 ** 31, format: 'gnu'}]))[0]?.uid, 2 ** 31);
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', size: -1, format: 'gnu'}]))),
      'TAR_INVALID',
    );
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', size: 2 ** 60, format: 'gnu'}]))),
      'TAR_INVALID',
    );
  });

  test('T25 keeps the last bits of a mode that fills its field', () => {
    const isBinary = (first: number) => (header: Buffer) =>
      void Buffer.from([first, 0x41, 2, 3, 4, 5, 0xf4, 0xff]).copy(header, 100);
    const modes = [0x80, 0xff].map((first) => readTar(buildTar([{path: 'f', patch: isBinary(first)}]))[0]?.permissions);
    assert.equal(modes, [0o2377, 0o2377]);
  });

  test('accepts ids up to 2^32 - 2 and refuses the others', () => {
    for (const uid of [2 ** 31, 2 ** 32 - 2]) assert.is(readTar(buildTar([{path: 'f', uid}]))[0]?.uid, uid);
    for (const text of ['4294967295', '4294967296', '-1', '1e3', '0x1', ' 1', '99999999999999999999']) {
      const tar = buildTar([{path: 'f', pax: [['uid', text]]}]);
      assert.is(
        codeOf(() => readTar(tar)),
        'TAR_INVALID',
        text,
      );
    }
  });

  test('cuts times to 0 … 2^33 s, keeps nanoseconds, refuses words', () => {
    const time = (value: string) => {
      const [entry] = readTar(buildTar([{path: 'f', pax: [['mtime', value]]}]));
      return [entry?.mtimeSeconds, entry?.mtimeNanoseconds];
    };
    assert.equal(time('1350244992.023960108'), [1350244992, 23960108]);
    assert.equal(time('1.9999999999'), [1, 999999999]);
    assert.equal(time('7.'), [7, 0]);
    assert.equal(time('-1.5'), [0, 0]);
    assert.equal(time('9223372036854775808.5'), [2 ** 33, 0]);
    assert.is(
      codeOf(() => time('inf')),
      'TAR_INVALID',
    );
    assert.is(readTar(buildTar([{path: 'f', mtime: -1, format: 'gnu'}]))[0]?.mtimeSeconds, 0);
  });

  test('keeps the lower 12 bits of the mode only', () => {
    assert.is(readTar(buildTar([{path: 'f', mode: 0o177777}]))[0]?.permissions, 0o7777);
  });

  test('accepts checksums of signed bytes and refuses wrong ones', () => {
    const path = Buffer.from([0xe9, 0xe9]);
    assert.is(readTar(buildTar([{path, checksum: 'signed'}])).length, 1);
    assert.is(
      codeOf(() => readTar(buildTar([{path, checksum: 'wrong'}]))),
      'TAR_INVALID',
    );
  });

  test('lets a PAX size win, and lets it count for the entry only, not for a long name between', () => {
    const content = 'x'.repeat(700);
    const tar = buildTar([
      {path: 'f', content, size: 0, pax: [['size', '700']]},
      {path: 'g', content: 'z'},
    ]);
    assert.equal(
      readTar(tar).map(({path, size}) => [path, size]),
      [
        ['f', 700],
        ['g', 1],
      ],
    );
    const long = `${LONG}n`;
    const between = Buffer.concat([
      buildTar([{path: 'PaxHeaders/x', type: 'x', content: paxRecord('size', '700')}], {trailer: Buffer.alloc(0)}),
      buildTar([{path: '././@LongLink', type: 'L', content: `${long}\0`}], {trailer: Buffer.alloc(0)}),
      buildTar([{path: 'short', content, size: 0}]),
    ]);
    assert.equal(
      readTar(between).map(({path, size}) => [path, size]),
      [[long, 700]],
    );
  });

  test('applies a PAX header to the next entry only, and global ones until they are taken back', () => {
    const tar = buildTar([
      {path: 'global', type: 'g', content: Buffer.concat([paxRecord('uid', '7'), paxRecord('mtime', '5')])},
      {path: 'a'},
      {path: 'b', pax: [['uid', '8']]},
      {path: 'c', pax: [['uid', '']], uid: 9},
      {path: 'd'},
    ]);
    assert.equal(
      readTar(tar).map(({path, uid, mtimeSeconds}) => `${path} ${uid} ${mtimeSeconds}`),
      ['a 7 5', 'b 8 5', 'c 9 5', 'd 7 5'],
    );
  });

  test('lets the later of two equal PAX keys win, as GNU tar does', () => {
    const [entry] = readTar(
      buildTar([
        {
          path: 'f',
          pax: [
            ['path', 'one'],
            ['path', 'two'],
          ],
        },
      ]),
    );
    assert.is(entry?.path, 'two');
  });

  test('refuses malformed PAX records', () => {
    const bodies = [
      '8 a=b',
      '6 a=b',
      'x a=b\n',
      ' 6 a=b\n',
      '5 a=b\n',
      '7 a=b\n',
      '6 =ab\n',
      '5 abc\n',
      '0 a=b\n',
      '00000006 a=b\n',
    ];
    for (const body of bodies) {
      assert.is(
        codeOf(() => readTar(buildTar([{path: 'f', pax: Buffer.from(body)}]))),
        'TAR_INVALID',
        body,
      );
    }
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', pax: [['path', 'a\0b']]}]))),
      'TAR_INVALID',
    );
  });

  test('refuses headers that readers of tars disagree about', () => {
    const pax = {path: 'p', type: 'x', content: paxRecord('path', 'one')};
    const long = {path: 'l', type: 'L', content: 'other\0'};
    const global = {path: 'g', type: 'g', content: paxRecord('uid', '1')};
    const entry = {path: 'f'};
    const globalName = {path: 'g', type: 'g', content: paxRecord('path', 'all')};
    for (const entries of [
      [pax, pax, entry],
      [long, long, entry],
      [pax, long, entry],
      [pax, global, entry],
      [globalName],
    ]) {
      assert.is(
        codeOf(() => readTar(buildTar(entries))),
        'TAR_INVALID',
      );
    }
  });

  test('refuses sparse files, whoever wrote them', () => {
    const regions = Buffer.concat([paxRecord('GNU.sparse.major', '1'), paxRecord('GNU.sparse.minor', '0')]);
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', type: 'S'}]))),
      'TAR_SPARSE',
    );
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', pax: regions}]))),
      'TAR_SPARSE',
    );
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', pax: [['SCHILY.realsize', '10']]}]))),
      'TAR_SPARSE',
    );
  });

  test('refuses types that it does not know, and device numbers that the kernel would cut', () => {
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', type: 'M'}]))),
      'TAR_INVALID',
    );
    const device = {path: 'f', type: 'block', devMajor: 2 ** 33, format: 'gnu'} as const;
    assert.is(
      codeOf(() => readTar(buildTar([device]))),
      'TAR_INVALID',
    );
  });

  test('refuses an extended header over 1 MiB before it holds it', () => {
    const tar = buildTar([{path: 'x', type: 'x', content: 'x', size: 2 ** 20 + 1}]);
    assert.is(
      codeOf(() => readTar(tar)),
      'TAR_LIMIT',
    );
  });

  test('refuses attributes that are too long, singly or together', () => {
    const value = 'v'.repeat(65_535);
    assert.is(readTar(buildTar([{path: 'f', xattrs: {'user.a': value}}]))[0]?.xattrs?.get('user.a'), value);
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', xattrs: {'user.a': `${value}v`}}]))),
      'TAR_LIMIT',
    );
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', xattrs: {[`user.${'n'.repeat(251)}`]: ''}}]))),
      'TAR_LIMIT',
    );
    const many = Object.fromEntries(Array.from({length: 10_000}, (_, index) => [`user.name-${index}-padded`, 'x']));
    assert.is(
      codeOf(() => readTar(buildTar([{path: 'f', xattrs: many}]))),
      'TAR_LIMIT',
    );
  });

  test('accepts a missing trailer after a whole entry, and ignores what follows the trailer', () => {
    assert.is(readTar(buildTar([{path: 'f', content: 'x'}], {trailer: Buffer.alloc(0)})).length, 1);
    assert.is(readTar(buildTar([{path: 'f'}], {trailer: Buffer.alloc(512)})).length, 1);
    assert.is(
      readTar(buildTar([{path: 'f'}], {trailer: Buffer.concat([Buffer.alloc(1024), Buffer.from('junk')])})).length,
      1,
    );
    assert.is(readTar(Buffer.alloc(0)).length, 0);
  });

  test('refuses a tar that is cut off, and one that goes on after a lone block of zeros', () => {
    const tar = buildTar([{path: 'f', content: 'x'.repeat(600)}], {trailer: Buffer.alloc(0)});
    for (const bytes of [100, 512, 1000])
      assert.is(
        codeOf(() => readTar(tar.subarray(0, bytes))),
        'TAR_INVALID',
      );
    assert.is(readTar(tar.subarray(0, 512 + 600)).length, 1, 'only padding is missing');
    const extended = buildTar([{path: 'x', type: 'x', content: paxRecord('uid', '1')}]);
    assert.is(
      codeOf(() => readTar(extended)),
      'TAR_INVALID',
    );
    const lone = Buffer.concat([buildTar([{path: 'f'}], {trailer: Buffer.alloc(512)}), buildTar([{path: 'g'}])]);
    assert.is(
      codeOf(() => readTar(lone)),
      'TAR_INVALID',
    );
    assert.is(
      codeOf(() => readTar(Buffer.from('this is no tar'.repeat(100)))),
      'TAR_INVALID',
    );
  });
});
