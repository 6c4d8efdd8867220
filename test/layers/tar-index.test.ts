import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {indexTar} from '../../src/layers/tar-index.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

const LIMIT = 100;

/** A tar that counts what is read of it. */
function countingTar(bytes: Buffer) {
  const counted = {read: 0};
  const read = async (offset: number, length: number) => {
    const piece = bytes.subarray(offset, offset + length);
    counted.read += piece.length;
    return piece;
  };
  return {counted, tar: {bytes: bytes.length, read}};
}

const index = (bytes: Buffer, entryLimit = LIMIT) => indexTar(countingTar(bytes).tar, {where: 'a.tar', entryLimit});

describe('layers/tar-index', ({test}) => {
  test('finds every entry with the place of its content', async () => {
    const long = `${'d/'.repeat(80)}file`;
    const bytes = buildTar([
      {path: 'a', content: 'one'},
      {path: 'dir/', type: 'directory'},
      {path: long, content: 'two'},
      {path: long.replaceAll('d', 'g'), content: 'three', format: 'gnu'},
      {path: 'link', type: 'symlink', linkPath: 'a'},
    ]);
    const entries = await index(bytes);
    assert.equal(
      entries.map(({path, type}) => [path, type]),
      [
        ['a', 'file'],
        ['dir/', 'directory'],
        [long, 'file'],
        [long.replaceAll('d', 'g'), 'file'],
        ['link', 'symlink'],
      ],
    );
    const contents = entries
      .filter(({type}) => type === 'file')
      .map(({dataOffset, size}) => bytes.toString('utf8', dataOffset, dataOffset + size));
    assert.equal(contents, ['one', 'two', 'three']);
  });

  test('reads headers and jumps over content', async () => {
    const bytes = buildTar([
      {path: 'large', content: Buffer.alloc(8 * 1024 * 1024)},
      {path: 'after', content: 'x'},
    ]);
    const {tar, counted} = countingTar(bytes);
    assert.is((await indexTar(tar, {where: 'a.tar', entryLimit: LIMIT})).length, 2);
    assert.ok(counted.read < 100_000, `${counted.read} bytes read`);
  });

  test('refuses more entries than allowed', async () => {
    const bytes = buildTar(Array.from({length: 5}, (_, at) => ({path: `f${at}`, content: ''})));
    assert.is((await rejectionOf(index(bytes, 4))).code, 'LIMIT_ARCHIVE_ENTRIES');
  });

  const whole = buildTar([{path: 'a', content: Buffer.alloc(2000)}]);
  const DAMAGED: readonly (readonly [string, Buffer])[] = [
    ['a tar that ends inside an entry', whole.subarray(0, 1500)],
    ['a tar that ends inside a header', whole.subarray(0, 300)],
    ['what is no tar', Buffer.from('no tar at all'.repeat(100))],
    ['a header with a wrong checksum', buildTar([{path: 'a', content: 'x', checksum: 'wrong'}])],
    ['a size beyond the end', buildTar([{path: 'a', content: 'x', size: 2 ** 31}])],
    ['an extended header of 2 GiB', buildTar([{path: 'a', type: 'x', content: 'x', size: 2 ** 31}])],
  ];
  for (const [what, bytes] of DAMAGED) {
    test(`refuses ${what}`, async () => {
      const error = await rejectionOf(index(bytes));
      assert.is(error.code, 'ARCHIVE_INVALID');
      assert.match(error.message, /^a\.tar/);
    });
  }
});
