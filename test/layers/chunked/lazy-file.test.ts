import {randomBytes} from 'node:crypto';
import {closeSync, openSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildChunkedLayer, type ChunkedSource, type TocLine} from '../../../fixtures/build-chunked-layer.ts';
import type {BlobPart} from '../../../src/layers/chunked/blob-parts.ts';
import {findChunkedFormat} from '../../../src/layers/chunked/chunked-format.ts';
import {openLazyFile} from '../../../src/layers/chunked/lazy-file.ts';
import {openVirtualLayer} from '../../../src/layers/chunked/virtual-layer.ts';
import {openLayerIndex} from '../../../src/layers/layer-index.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const FORMATS = ['estargz', 'zstd:chunked'] as const;
const FILES = Array.from({length: 50}, (_, index) => ({path: `f${index}`, content: randomBytes(10_000 + index)}));
const LARGE = randomBytes(3_000_000);
const ENTRIES = [...FILES, {path: 'large', content: LARGE}];

for (const format of FORMATS) {
  describe(`layers/chunked lazy file of ${format}`, ({test}) => {
    /** Of a layer whose parts are counted. */
    const open = async (
      source: Partial<ChunkedSource> = {},
      spoil: (bytes: Buffer, part: BlobPart) => Buffer = plain,
    ) => {
      const {bytes, mediaType, annotations, diffId} = buildChunkedLayer({
        ...{format, entries: ENTRIES, chunkBytes: 100_000},
        ...source,
      });
      const found = findChunkedFormat({mediaType, annotations, digest: digestOf(bytes), size: bytes.length});
      if (!found) throw new Error('the fixture has a table');
      const parts: BlobPart[] = [];
      const read = async function* (part: BlobPart) {
        parts.push(part);
        yield spoil(bytes.subarray(part.start, part.end), part);
      };
      const layer = await openVirtualLayer({parts: {size: bytes.length, read}, format: found, diffId});
      if (!layer) throw new Error('the fixture can be read in parts');
      const directory = makeTemporaryDirectory();
      const path = join(directory.path, 'file');
      const fd = openSync(path, 'wx+');
      const file = openLazyFile(layer, {fd, path});
      const index = openLayerIndex({path, diffId, fileBytes: layer.fileBytes, directories: layer.directories});
      parts.length = 0;
      return {
        file,
        parts,
        /** Where a file lies. */
        placeOf: (name: string) => {
          index.inode(index.root);
          const number = index.find(index.root, name);
          if (number === null) throw new Error(`there is no ${name}`);
          const {contentOffset, size} = index.inode(number).node;
          return {offset: contentOffset, size};
        },
        [Symbol.dispose]: () => {
          closeSync(fd);
          directory[Symbol.dispose]();
        },
      };
    };

    test('gives each file its content, from a page of its own on', async () => {
      using opened = await open();
      for (const {path, content} of ENTRIES) {
        const {offset, size} = opened.placeOf(path);
        assert.is(offset % 4096, 0);
        assert.ok((await opened.file.read(offset, size)).equals(content), path);
      }
    });

    test('fetches nothing twice, whoever asks and in whatever order', async () => {
      using opened = await open();
      const all = await opened.file.read(0, opened.file.size);
      const spans = opened.parts.map(({start, end}) => ({start, end})).toSorted((a, b) => a.start - b.start);
      for (const [at, {start}] of spans.entries()) assert.ok(start >= (spans[at - 1]?.end ?? 0));
      const before = opened.parts.length;
      assert.ok((await opened.file.read(0, opened.file.size)).equals(all));
      assert.is(opened.parts.length, before);
      using other = await open();
      const {offset, size} = other.placeOf('large');
      const reads = Array.from({length: 60}, (_, index) =>
        other.file.read(offset + ((index * 7) % 30) * 100_000, 90_000),
      );
      await Promise.all([...reads, other.file.read(offset, size)]);
      const fetched = other.parts.reduce((sum, {start, end}) => sum + end - start, 0);
      assert.ok(fetched < LARGE.length + 700_000, `${fetched} bytes`);
    });

    test('fetches small neighbours along with a file, and far files not', async () => {
      using opened = await open();
      await opened.file.read(opened.placeOf('f0').offset, 100);
      assert.is(opened.parts.length, 1);
      await opened.file.read(opened.placeOf('f5').offset, 100);
      assert.is(opened.parts.length, 1);
      await opened.file.read(opened.placeOf('f49').offset, 100);
      assert.is(opened.parts.length, 2);
    });

    test('where one reads on and on, asks for more each time', async () => {
      using opened = await open();
      const {offset, size} = opened.placeOf('large');
      for (let at = 0; at < size; at += 50_000) await opened.file.read(offset + at, Math.min(50_000, size - at));
      assert.ok(opened.parts.length < 10, `${opened.parts.length} requests`);
    });

    test('a wrong neighbour that nobody asked for fails nobody', async () => {
      const toc = (lines: readonly TocLine[]) => ({version: 1, entries: lines.map(wrongDigest('f1'))});
      using opened = await open({toc});
      const {offset, size} = opened.placeOf('f0');
      assert.is((await opened.file.read(offset, size)).length, size);
      const wrong = opened.placeOf('f1');
      const error = await rejectionOf(opened.file.read(wrong.offset, wrong.size));
      assert.is('code' in error && error.code, 'DIGEST_MISMATCH');
      const next = opened.placeOf('f2');
      assert.ok((await opened.file.read(next.offset, next.size)).equals(FILES[2]?.content ?? Buffer.alloc(0)));
    });

    test('what arrives damaged is asked for again, elsewhere', async () => {
      const spoil = (bytes: Buffer, {isAgain}: BlobPart) => (isAgain ? bytes : Buffer.from(bytes).fill(1, 100, 200));
      using opened = await open({}, (bytes, part) => (part.start === 0 || isTable(part) ? bytes : spoil(bytes, part)));
      const {offset, size} = opened.placeOf('large');
      assert.ok((await opened.file.read(offset, size)).equals(LARGE));
      assert.ok(opened.parts.some(({isAgain}) => isAgain));
    });

    test('files that share a packed stream are unpacked of it', async () => {
      if (format !== 'estargz') return;
      using opened = await open({leastStreamBytes: 60_000});
      for (const {path, content} of FILES.toReversed()) {
        const {offset, size} = opened.placeOf(path);
        assert.ok((await opened.file.read(offset, size)).equals(content), path);
      }
    });
  });
}

const plain = (bytes: Buffer): Buffer => bytes;

/** Nothing else is asked for before the file is there. */
const isTable = ({start, end}: BlobPart): boolean => end - start < 20_000 && start > 3_000_000;

const wrongDigest =
  (name: string) =>
  (line: TocLine): TocLine =>
    line.name === name
      ? {...line, digest: digestOf(Buffer.from(name)), chunkDigest: digestOf(Buffer.from(name))}
      : line;
