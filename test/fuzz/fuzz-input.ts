import {gzipSync, zstdCompressSync} from 'node:zlib';
import {buildTar, paxRecord, type TarEntry} from '../../fixtures/build-tar.ts';
import {seededRandom} from '../layers/random-entries.ts';

/** What one round of the fuzzer reads: equal numbers give equal bytes. */
export interface FuzzInput {
  readonly tar: Buffer;
  /** The tar as a layer, its framing maybe damaged. */
  readonly blob: Buffer;
}

type Pick = (limit: number) => number;

const BLOCK = 512;
const CHECKSUM = Object.freeze({start: 148, end: 156});
/** Spreads seeds that follow each other. */
const STRIDE = 0x9e3779b1;
const MOST_MEMBERS = 8;

/** Names that meet each other in every way once types and links are shuffled. */
const NAMES: readonly (string | Buffer)[] = [
  ...['a', 'b', 'c', 'a/b', 'a/b/c', 'b/a', 'c/c/c', '/a', './b', 'a//b', 'a/./b', 'c/a', 'b/c'],
  ...['.wh.a', '.wh.b', 'a/.wh.b', '.wh..wh..opq', 'a/.wh..wh..opq', '.wh..wh.plnk'],
  ...['space in name', 'line\nbreak', 'back\\slash', 'caf\u00e9', 'x'.repeat(99), 'x'.repeat(100), 'y'.repeat(101)],
  ...['z'.repeat(255), `${'p'.repeat(90)}/q`, `${'d'.repeat(120)}/e`, `${'d/'.repeat(60)}f`],
  ...[Buffer.from([0xff]), Buffer.from([0x61, 0x2f, 0xfe, 0x80])],
];
const BAD_NAMES: readonly string[] = [
  ...['..', '../a', 'a/../b', 'a/..', '.', './', '/', '', 'b/', 'a/b/', '.wh.', 'a/.wh...'],
  ...['z'.repeat(256), `${'l'.repeat(99)}/`, 'n/'.repeat(2100), 'd/'.repeat(1100)],
];
const TYPES = ['file', 'file', 'file', 'directory', 'directory', 'symlink', 'hardlink', 'character', 'block', 'fifo'];
const RARE_TYPES = ['\0', '\0', '7', 'S', 'x', 'g', 'L', 'K', 'D', 'V', 's', 'X'];
const KEYS = ['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'atime', 'comment', 'hdrcharset', 'SCHILY.ino'];
const BAD_KEYS = ['GNU.sparse.size', 'GNU.sparse.major', 'SCHILY.realsize', 'size'];
const VALUES = ['0', '1', '7', '12', '08', '1700000000'];
const BAD_VALUES = ['513', '-1', '1.5', '1e3', ' 1', '4294967295', '99999999999', '', 'a', 'b/c', '\0'];
/** Of so many choices one is bad; worse ones would be found in every input. */
const BAD_SHARE = 25;
const FORMATS = ['pax', 'pax', 'gnu', 'gnu', 'v7', 'ustar'] as const;

/** @param index The number of the round. */
export function fuzzInput(seed: number, index: number): FuzzInput {
  const pick = seededRandom(Math.imul(seed + index, STRIDE) ^ seed);
  let tar = buildTar(
    Array.from({length: 1 + pick(MOST_MEMBERS)}, () => randomMember(pick)),
    pick(6) === 0 ? {trailer: randomTrailer(pick)} : {},
  );
  for (let rounds = pick(3); rounds > 0; rounds--) tar = mutate(tar, pick);
  return {tar, blob: frame(tar, pick)};
}

const oneOf = <T>(pick: Pick, list: readonly T[]): T => list[pick(list.length)] as T;

const goodOrBad = <T>(pick: Pick, good: readonly T[], bad: readonly T[]): T =>
  oneOf(pick, pick(BAD_SHARE) === 0 ? bad : good);

function randomName(pick: Pick, type: string): string | Buffer {
  const name = goodOrBad(pick, NAMES, BAD_NAMES);
  return type === 'directory' && pick(2) === 0 ? Buffer.concat([Buffer.from(name), Buffer.from('/')]) : name;
}

function randomMember(pick: Pick): TarEntry {
  const isRare = pick(20) === 0;
  const type = oneOf(pick, isRare ? RARE_TYPES : TYPES);
  const path = randomName(pick, type);
  const format = oneOf(pick, FORMATS);
  const fits = format === 'pax' || format === 'gnu' || path.length <= 100;
  return {
    path,
    type,
    format: fits ? format : 'pax',
    mode: pick(4) === 0 ? pick(2 ** 21) : 0o644,
    uid: pick(6) === 0 ? pick(2 ** 21) : pick(3),
    gid: pick(3),
    mtime: pick(2 ** 31),
    linkPath: randomName(pick, 'file'),
    ...(type === 'character' || type === 'block' ? {devMajor: pick(300), devMinor: pick(300)} : {}),
    ...(pick(60) === 0 ? {size: pick(2000)} : {}),
    ...(isRare || type === 'file' ? {content: contentOf(type, pick)} : {}),
    ...(pick(5) === 0 ? {pax: randomRecords(pick)} : {}),
    ...(pick(8) === 0 ? {xattrs: randomXattrs(pick)} : {}),
    ...(pick(10) === 0 ? {checksum: 'signed'} : {}),
  };
}

function contentOf(type: string, pick: Pick): Buffer {
  if (type === 'x' || type === 'g') {
    return Buffer.concat(randomRecords(pick).map(([key, value]) => paxRecord(key, value)));
  }
  if (type === 'L' || type === 'K')
    return Buffer.concat([Buffer.from(randomName(pick, 'file')), Buffer.alloc(pick(3))]);
  return Buffer.alloc(pick(3) === 0 ? 0 : pick(1600), 0x61 + pick(26));
}

const randomRecords = (pick: Pick): (readonly [key: string, value: string | Buffer])[] =>
  Array.from({length: 1 + pick(3)}, () => {
    const key = goodOrBad(pick, KEYS, BAD_KEYS);
    // Most sizes are lies that make the rest of the tar unreadable.
    if (key === 'size' && pick(4) > 0) return ['comment', 'size'] as const;
    if (key.endsWith('path')) return [key, Buffer.from(randomName(pick, 'file'))] as const;
    return [key, goodOrBad(pick, VALUES, BAD_VALUES)] as const;
  });

const randomXattrs = (pick: Pick): Record<string, Buffer> =>
  Object.fromEntries(
    Array.from({length: 1 + pick(3)}, () => {
      const name = oneOf(pick, ['user.a', 'user.b', 'trusted.overlay.opaque', 'trusted.x', 'user.overlay.redirect']);
      return [name, Buffer.alloc(pick(700), pick(256))];
    }),
  );

const randomTrailer = (pick: Pick): Buffer =>
  oneOf(pick, [
    Buffer.alloc(0),
    Buffer.alloc(BLOCK),
    Buffer.alloc(BLOCK + 100),
    Buffer.alloc(10 * BLOCK),
    Buffer.concat([Buffer.alloc(2 * BLOCK), Buffer.from('behind the end')]),
    Buffer.from('junk'),
  ]);

function mutate(tar: Buffer, pick: Pick): Buffer {
  const at = pick(Math.max(tar.length, 1));
  const block = at - (at % BLOCK);
  switch (pick(10)) {
    case 0:
      return tar.subarray(0, at);
    case 1:
      return Buffer.concat([tar.subarray(0, block), tar.subarray(block + BLOCK)]);
    case 2:
      return Buffer.concat([tar.subarray(0, block + BLOCK), tar.subarray(block)]);
    case 3:
      return Buffer.concat([tar.subarray(0, block), Buffer.alloc(BLOCK * (1 + pick(2))), tar.subarray(block)]);
    case 4:
      return Buffer.concat([tar.subarray(block), tar.subarray(0, block)]);
    default:
      return changeHeader(tar, {block, pick});
  }
}

/** Where header fields begin, for changes that meet them more often than their share of the bytes. */
const FIELDS = [0, 100, 108, 116, 124, 136, 156, 157, 257, 263, 329, 337, 345, 500];

function changeHeader(tar: Buffer, {block, pick}: {readonly block: number; readonly pick: Pick}): Buffer {
  const changed = Buffer.from(tar);
  const header = changed.subarray(block, block + BLOCK);
  if (header.length < BLOCK) return changed;
  for (let changes = 1 + pick(3); changes > 0; changes--) {
    const at = pick(2) === 0 ? oneOf(pick, FIELDS) + pick(12) : pick(BLOCK);
    header[at % BLOCK] = oneOf(pick, [0, 0x20, 0x30 + pick(10), 0x2f, 0x80, 0xff, pick(256)]);
  }
  // Most would be refused for their checksums alone.
  if (pick(12) > 0) seal(header);
  return changed;
}

function seal(header: Buffer): void {
  header.fill(' ', CHECKSUM.start, CHECKSUM.end);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM.start, 'latin1');
}

function frame(tar: Buffer, pick: Pick): Buffer {
  const pack = oneOf(pick, [gzipSync, zstdCompressSync, (bytes: Buffer) => Buffer.from(bytes)]);
  const cut = pick(tar.length + 1);
  const packed = pick(3) === 0 ? Buffer.concat([pack(tar.subarray(0, cut)), pack(tar.subarray(cut))]) : pack(tar);
  switch (pick(12)) {
    case 0:
      return packed.subarray(0, pick(packed.length + 1));
    case 1:
      return Buffer.concat([packed, Buffer.alloc(1 + pick(600))]);
    case 2:
      return Buffer.concat([packed, Buffer.from('garbage')]);
    case 3:
      packed[pick(Math.max(packed.length, 1))] = pick(256);
      return packed;
    default:
      return packed;
  }
}
