import {gzipSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {buildChunkedLayer, type ChunkedSource, type TocLine} from '../../../fixtures/build-chunked-layer.ts';
import type {TarEntry} from '../../../fixtures/build-tar.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {describe} from '../../helpers/suite.ts';
import {serveImage} from './remote-image.ts';

const FORMATS = ['estargz', 'zstd:chunked'] as const;
const ENTRIES: readonly TarEntry[] = [
  {path: 'etc/', type: 'directory'},
  {path: 'etc/before', content: 'before'.repeat(50)},
  {path: 'etc/file', content: 'content'.repeat(100)},
  {path: 'etc/behind', content: 'behind'.repeat(50)},
];
const CONTENT = 'content'.repeat(100);

interface Hostile {
  readonly entries?: readonly TarEntry[];
  readonly chunkBytes?: number;
  /** Changes each line of the table. */
  readonly line: (line: TocLine) => TocLine;
}

const onFile = (change: TocLine) => (line: TocLine) => (line.name === 'etc/file' ? {...line, ...change} : line);

/** Tables that contradict themselves or the layer: what they break, and how. */
const REFUSED: Readonly<Record<string, readonly [code: string, source: Hostile]>> = {
  'content outside the blob': ['LAYER_TOC_INVALID', {line: onFile({offset: 10 ** 9})}],
  'content in the table itself': ['LAYER_TOC_INVALID', {line: onFile({offset: 3000})}],
  'content before the blob': ['LAYER_TOC_INVALID', {line: onFile({offset: -1})}],
  'content at no whole byte': ['LAYER_TOC_INVALID', {line: onFile({offset: 1.5})}],
  'a size of 2^60': ['LAYER_TOC_INVALID', {line: onFile({size: 2 ** 60})}],
  'a size below 0': ['LAYER_TOC_INVALID', {line: onFile({size: -1})}],
  'parts that overlap': ['LAYER_TOC_INVALID', {chunkBytes: 100, line: overlap(50)}],
  'parts with a gap': ['LAYER_TOC_INVALID', {chunkBytes: 100, line: overlap(-50)}],
  'parts behind the end': ['LAYER_TOC_INVALID', {chunkBytes: 100, line: onFile({size: 550})}],
  'parts before the end': ['LAYER_TOC_INVALID', {chunkBytes: 100, line: onFile({chunkSize: 99})}],
  'a part of no file': ['LAYER_TOC_INVALID', {line: (line) => (line.type === 'dir' ? {...line, type: 'chunk'} : line)}],
  'a digest that is none': ['DIGEST_INVALID', {line: onFile({chunkDigest: 'sha256:00'})}],
  'another type': ['LAYER_TOC_INVALID', {line: onFile({type: 'socket'})}],
  'a name that is no text': ['LAYER_TOC_INVALID', {line: onFile({name: 1})}],
  'a path that leaves the image': ['TAR_PATH', {line: onFile({name: '../../etc/passwd'})}],
  'a path in the middle of which is ..': ['TAR_PATH', {line: onFile({name: 'etc/../../file'})}],
  'a path of 5000 bytes': ['TAR_LIMIT', {line: onFile({name: 'a/'.repeat(2500)})}],
  'a name of 256 bytes': ['TAR_LIMIT', {line: onFile({name: 'a'.repeat(256)})}],
  'a whiteout of nothing': ['WHITEOUT_INVALID', {line: onFile({name: 'etc/.wh.'})}],
  'a hard link to what is not there': ['TAR_LINK', {line: onFile({type: 'hardlink', linkName: 'absent', size: 0})}],
  'a hard link that leaves the image': ['TAR_LINK', {line: onFile({type: 'hardlink', linkName: '../x', size: 0})}],
  'a hard link to itself': ['TAR_LINK', {line: onFile({type: 'hardlink', linkName: 'etc/file', size: 0})}],
  'a user that none can be': ['TAR_INVALID', {line: onFile({uid: 2 ** 32})}],
  'attributes that are no object': ['LAYER_TOC_INVALID', {line: onFile({xattrs: ['x']})}],
  'attributes of 100 KiB': ['TAR_LIMIT', {line: onFile({xattrs: {'user.a': 'A'.repeat(150_000)}})}],
};

function overlap(bytes: number) {
  return (line: TocLine): TocLine =>
    line.type === 'chunk' ? {...line, chunkOffset: Number(line.chunkOffset) - bytes} : line;
}

const table = (lines: readonly TocLine[], more: Readonly<Record<string, unknown>> = {}) => ({
  version: 1,
  entries: lines,
  ...more,
});

/** Tables that are no tables. */
const MALFORMED: Readonly<Record<string, (lines: readonly TocLine[]) => unknown>> = {
  'another version': (lines) => table(lines, {version: 2}),
  'no entries': () => ({version: 1}),
  'entries that are no objects': () => table([], {entries: [1, null, []]}),
  'nothing but a number': () => 1,
};

const layerOf = (format: ChunkedSource['format'], more: Partial<ChunkedSource> = {}) =>
  buildChunkedLayer({format, entries: ENTRIES, ...more});

describe('images/partial hostile tables', ({test}) => {
  for (const format of FORMATS) {
    test(`refuses of ${format} a table that cannot be true`, async () => {
      for (const [what, [code, {line, ...more}]] of Object.entries(REFUSED)) {
        const layer = layerOf(format, {...more, toc: (lines) => table(lines.map(line))});
        await using image = await serveImage(layer);
        const {code: found, message} = await image.refusal('/etc/file');
        assert.is(found, code, `${what}: ${message}`);
        assert.match(message, `layer ${digestOf(layer.bytes)}`, what);
      }
      for (const [what, toc] of Object.entries(MALFORMED)) {
        await using image = await serveImage(layerOf(format, {toc}));
        assert.is((await image.refusal('/etc/file')).code, 'LAYER_TOC_INVALID', what);
      }
    });

    test(`refuses of ${format} a table and content of another digest, after a second look`, async () => {
      const wrong = `sha256:${'0'.repeat(64)}`;
      const annotations = (given: Readonly<Record<string, string>>) =>
        Object.fromEntries(
          Object.entries(given).map(([key, value]) => [key, value.startsWith('sha256:') ? wrong : value]),
        );
      await using other = await serveImage(layerOf(format, {annotations}));
      const {code, message} = await other.refusal('/etc/file');
      assert.is(code, 'DIGEST_MISMATCH');
      assert.match(message, /its table of contents does not match sha256:0+, after 2 downloads/);
      const toc = (lines: readonly TocLine[]) => table(lines.map(onFile({chunkDigest: wrong})));
      await using content = await serveImage(layerOf(format, {toc}));
      const refused = await content.refusal('/etc/file');
      assert.is(refused.code, 'DIGEST_MISMATCH');
      assert.match(refused.message, /its bytes \d+ to \d+ do not unpack to sha256:0+, after 2 downloads/);
      assert.is((await content.read('/etc/before')).toString(), 'before'.repeat(50));
    });

    test(`gives of ${format} no byte of a piece that is wrong`, async () => {
      const isSecond = (line: TocLine): boolean => line.name === 'etc/file' && line.chunkOffset === 100;
      const wrong = {chunkDigest: `sha256:${'0'.repeat(64)}`};
      const toc = (lines: readonly TocLine[]) =>
        table(lines.map((line) => (isSecond(line) ? {...line, ...wrong} : line)));
      await using image = await serveImage(layerOf(format, {chunkBytes: 100, toc}));
      const source = {reference: image.name, path: '/etc/file'};
      const options = {policy: 'missing', platform: 'linux/amd64'} as const;
      const {content, close} = await image.images.readFile(source, options);
      let received = '';
      try {
        for await (const piece of content) received += Buffer.from(piece).toString();
        assert.unreachable();
      } catch (error) {
        assert.match(String(error), 'do not unpack to');
      }
      assert.is(received, CONTENT.slice(0, 100));
      close();
    });

    test(`reads of ${format} whole what is too large to be read in part, or has no digests`, async () => {
      const bare = (line: TocLine) => ({...line, digest: undefined, chunkDigest: undefined});
      const sources: Readonly<Record<string, (line: TocLine) => TocLine>> = {
        'no digests': bare,
        'a piece of 100 GB': onFile({size: 10 ** 11}),
        'a piece deep in its stream': onFile({innerOffset: 10 ** 9}),
      };
      for (const [what, line] of Object.entries(sources)) {
        await using image = await serveImage(layerOf(format, {toc: (lines) => table(lines.map(line))}));
        assert.is((await image.read('/etc/file')).toString(), CONTENT, what);
        assert.is((await image.read('/etc/before')).toString(), 'before'.repeat(50), what);
        assert.equal(await image.images.list(), [], what);
      }
    });
  }

  test('pulls what is annotated and has no table, or one beyond all limits', async () => {
    const position = 'io.github.containers.zstd-chunked.manifest-position';
    const claims = (change: (numbers: readonly string[]) => readonly (string | number)[]) => ({
      annotations: (given: Readonly<Record<string, string>>) => ({
        ...given,
        [position]: change((given[position] ?? '').split(':')).join(':'),
      }),
    });
    const manyEntries = () => table([], {entries: Array.from({length: 500_001}, () => ({type: 'dir', name: 'a'}))});
    const estargz = (blob: (bytes: Buffer) => Buffer) => layerOf('estargz', {blob});
    const layers = {
      'a claim of 10^9 MB': layerOf(
        'zstd:chunked',
        claims(([start = 0, length = 0]) => [start, length, 10 ** 15 - 1, 1]),
      ),
      'a table outside the blob': layerOf(
        'zstd:chunked',
        claims(([, ...rest]) => [10 ** 9, ...rest]),
      ),
      'another type of table': layerOf(
        'zstd:chunked',
        claims((numbers) => [...numbers.slice(0, 3), 2]),
      ),
      'no numbers': layerOf(
        'zstd:chunked',
        claims(() => ['a', 'b']),
      ),
      'more entries than the limit': layerOf('zstd:chunked', {toc: manyEntries}),
      'no footer': estargz((bytes) => bytes.subarray(0, -51)),
      'another footer': estargz((bytes) => Buffer.concat([bytes.subarray(0, -51), gzipSync('')])),
    };
    for (const [what, layer] of Object.entries(layers)) {
      await using image = await serveImage(layer);
      assert.is((await image.read('/etc/file')).toString(), CONTENT, what);
      assert.is((await image.images.list()).length, 1, what);
    }
  });

  test('unpacks no more of a table than the limit', async () => {
    const packed = gzipSync(Buffer.alloc(65 * 1024 * 1024));
    const blob = (bytes: Buffer) => {
      const start = bytes.length - 51;
      const footer = Buffer.from(bytes.subarray(start));
      footer.write(start.toString(16).padStart(16, '0'), 16, 'latin1');
      return Buffer.concat([bytes.subarray(0, start), packed, footer]);
    };
    await using image = await serveImage(layerOf('estargz', {blob}));
    // It is pulled instead, and its tar has more bytes now than its config says.
    assert.match((await image.refusal('/etc/file')).message, "the layer's tar has the digest");
  });

  test('refuses a footer that points behind the table', async () => {
    const blob = (bytes: Buffer) => {
      const changed = Buffer.from(bytes);
      changed.write('00000000ffffffff', bytes.length - 51 + 16, 'latin1');
      return changed;
    };
    await using image = await serveImage(layerOf('estargz', {blob}));
    assert.is((await image.refusal('/etc/file')).code, 'LAYER_TOC_INVALID');
  });
});
