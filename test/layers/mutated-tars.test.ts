import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {WinchError} from '../../src/errors.ts';
import {encodeErofsIndex} from '../../src/layers/erofs-index.ts';
import {layOutErofs} from '../../src/layers/erofs-layout.ts';
import {createTreeBuilder} from '../../src/layers/tree.ts';
import {describe} from '../helpers/suite.ts';
import {seededRandom} from './random-entries.ts';
import {readTar} from './tree-listing.ts';

const MUTATIONS = 3000;
/** Names that meet each other in every way once types and links are shuffled. */
const NAMES = [
  'a',
  'b',
  'a/b',
  'a/b/c',
  '.wh.a',
  '.wh..wh..opq',
  'a/.wh.b',
  '/a',
  '..',
  'a/../b',
  '.',
  'b/',
  'x'.repeat(150),
];
const TYPES = ['file', 'directory', 'symlink', 'hardlink', 'character', 'fifo', 'x', 'g', 'L', 'K', '\0', '7', 'S'];

describe('layers (mutated tars)', ({test}) => {
  test('are indexed or refused, and nothing else happens', () => {
    const pick = seededRandom(42);
    let refused = 0;
    for (let round = 0; round < MUTATIONS; round++) {
      const tar = mutate(buildTar(shuffledEntries(pick)), pick);
      try {
        indexInMemory(tar);
      } catch (error) {
        if (!(error instanceof WinchError && error.kind === 'refused')) throw error;
        refused++;
      }
    }
    assert.ok(refused > MUTATIONS / 10 && refused < MUTATIONS, `${refused} of ${MUTATIONS} refused`);
  });
});

function shuffledEntries(pick: (limit: number) => number): TarEntry[] {
  return Array.from({length: 1 + pick(6)}, () => ({
    path: NAMES[pick(NAMES.length)] ?? '',
    type: pick(2) === 0 ? 'file' : (TYPES[pick(TYPES.length)] ?? 'file'),
    linkPath: NAMES[pick(NAMES.length)] ?? '',
    content: 'c'.repeat(pick(700)),
    format: pick(2) === 0 ? 'pax' : 'gnu',
    ...(pick(5) === 0 ? {xattrs: {'user.x': 'y'.repeat(pick(600))}} : {}),
  }));
}

/** Flips a few bytes and mends the checksums, or most tars would be refused for those alone. */
function mutate(tar: Buffer, pick: (limit: number) => number): Buffer {
  for (let flips = pick(4); flips > 0; flips--) {
    const at = pick(tar.length);
    tar[at] = pick(256);
    const header = tar.subarray(at - (at % 512), at - (at % 512) + 512);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return tar;
}

function indexInMemory(tar: Buffer): void {
  const builder = createTreeBuilder();
  for (const entry of readTar(tar)) builder.add(entry);
  const layout = layOutErofs(builder.finish(), tar.length);
  let end = layout.start;
  for (const piece of encodeErofsIndex(layout)) end += piece.length;
  assert.is(end, layout.end);
}
