import {constants, gzipSync, zstdCompressSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {decompressLayer} from '../../src/layers/decompress.ts';
import {describe} from '../helpers/suite.ts';
import {piecesOf} from './layer-fixture.ts';
import {seededRandom} from './random-entries.ts';

/** 3 MB that compress to a third, so that blobs span several pieces and chunks. */
const random = seededRandom(1);
const PLAIN = Buffer.from(Array.from({length: 3_000_000}, () => random(6)));
const GZIP = gzipSync(PLAIN, {level: 1});
const ZSTD = zstdCompressSync(PLAIN, {params: {[constants.ZSTD_c_checksumFlag]: 1}});
const SKIPPABLE = Buffer.concat([Buffer.from('5a2a4d1804000000', 'hex'), Buffer.from('meta')]);

interface Reading {
  readonly pieceBytes?: number | undefined;
  readonly isVerified?: boolean;
}

async function readOnce(blob: Buffer, {pieceBytes, isVerified}: Reading) {
  const {compression, chunks} = await decompressLayer(piecesOf(blob, pieceBytes), {isVerified});
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return {compression, bytes: Buffer.concat(all)};
}

/** With and without checksums. */
async function read(blob: Buffer, pieceBytes?: number) {
  const [checked, verified] = [
    await readOnce(blob, {pieceBytes}),
    await readOnce(blob, {pieceBytes, isVerified: true}),
  ];
  assert.equal(checked.compression, verified.compression);
  assert.ok(checked.bytes.equals(verified.bytes));
  return checked;
}

async function refusal(blob: Buffer, pieceBytes?: number): Promise<string | null> {
  const codes = new Set<string | null>();
  for (const isVerified of [false, true]) codes.add(await refusalOnce(blob, {pieceBytes, isVerified}));
  assert.is(codes.size, 1);
  return [...codes][0] ?? null;
}

async function refusalOnce(blob: Buffer, reading: Reading): Promise<string | null> {
  try {
    await readOnce(blob, reading);
    return null;
  } catch (error) {
    if (isWinchError(error)) return error.code;
    throw error;
  }
}

describe('layers/decompress', ({test}) => {
  test('tells gzip, zstd and plain by their bytes', async () => {
    for (const [blob, name] of [
      [GZIP, 'gzip'],
      [ZSTD, 'zstd'],
      [PLAIN, 'none'],
    ] as const) {
      const {compression, bytes} = await read(blob);
      assert.is(compression, name);
      assert.ok(bytes.equals(PLAIN));
    }
    assert.equal(await read(Buffer.alloc(0)), {compression: 'none', bytes: Buffer.alloc(0)});
  });

  test('needs no particular size of pieces', async () => {
    const small = gzipSync('hello');
    assert.is(String((await read(small, 1)).bytes), 'hello');
    assert.is(String((await read(zstdCompressSync(Buffer.from('hello')), 1)).bytes), 'hello');
    assert.ok((await read(GZIP, GZIP.length)).bytes.equals(PLAIN));
  });

  test('T31 reads several gzip members and trailing NULs', async () => {
    const twice = Buffer.concat([PLAIN, PLAIN]);
    assert.ok((await read(Buffer.concat([GZIP, GZIP]))).bytes.equals(twice));
    assert.ok((await read(Buffer.concat([GZIP, GZIP]), GZIP.length)).bytes.equals(twice), 'cut between the members');
    for (const pieceBytes of [1000, GZIP.length, GZIP.length + 3]) {
      assert.ok((await read(Buffer.concat([GZIP, Buffer.alloc(2000)]), pieceBytes)).bytes.equals(PLAIN));
    }
  });

  test('T31 reads members with names and comments, and plain ones behind and before them', async () => {
    const named = Buffer.concat([
      GZIP.subarray(0, 3),
      Buffer.of(8),
      GZIP.subarray(4, 10),
      Buffer.from('n\0'),
      GZIP.subarray(10),
    ]);
    assert.ok((await read(named)).bytes.equals(PLAIN));
    for (const blob of [Buffer.concat([GZIP, named]), Buffer.concat([named, GZIP])]) {
      for (const pieceBytes of [1000, GZIP.length - 4, GZIP.length, GZIP.length + 1]) {
        assert.ok((await read(blob, pieceBytes)).bytes.equals(Buffer.concat([PLAIN, PLAIN])), `${pieceBytes}`);
      }
    }
    const many = Buffer.concat(Array.from({length: 500}, (_, index) => gzipSync(`${index},`)));
    assert.is(String((await read(many, 700)).bytes), `${[...Array(500).keys()].join()},`);
  });

  test('T31 leaves the checksum to who checks a digest, and the size to nobody', async () => {
    const otherSum = Buffer.from(GZIP);
    otherSum.writeUInt32LE(~GZIP.readUInt32LE(GZIP.length - 8) >>> 0, GZIP.length - 8);
    assert.is(await refusalOnce(otherSum, {}), 'LAYER_COMPRESSION_INVALID');
    assert.is(await refusalOnce(otherSum, {isVerified: true}), null);
    const otherSize = Buffer.from(GZIP);
    otherSize.writeUInt32LE(PLAIN.length + 1, GZIP.length - 4);
    for (const pieceBytes of [1000, GZIP.length - 6, GZIP.length]) {
      assert.is(await refusal(otherSize, pieceBytes), 'LAYER_COMPRESSION_INVALID');
    }
    for (let missing = 1; missing <= 9; missing += 1) {
      assert.is(await refusal(GZIP.subarray(0, -missing), 5000), 'LAYER_COMPRESSION_INVALID');
    }
  });

  test('T31 reads several zstd frames and skippable ones', async () => {
    const blob = Buffer.concat([SKIPPABLE, ZSTD, SKIPPABLE, ZSTD, SKIPPABLE]);
    const {compression, bytes} = await read(blob);
    assert.is(compression, 'zstd');
    assert.ok(bytes.equals(Buffer.concat([PLAIN, PLAIN])));
  });

  test('T31 refuses other bytes behind the end', async () => {
    const garbage = Buffer.from('garbage');
    const nuls = Buffer.alloc(100);
    for (const blob of [GZIP, ZSTD]) {
      for (const tail of [[garbage], [nuls, garbage]]) {
        const whole = Buffer.concat([blob, ...tail]);
        for (const pieceBytes of [1000, blob.length, whole.length]) {
          assert.is(await refusal(whole, pieceBytes), 'LAYER_COMPRESSION_INVALID', `${pieceBytes} of ${whole.length}`);
        }
      }
    }
  });

  test('T31 refuses blobs that are cut off or damaged', async () => {
    assert.is(await refusal(GZIP.subarray(0, -3)), 'LAYER_COMPRESSION_INVALID');
    for (const blob of [GZIP, ZSTD]) {
      assert.is(await refusal(blob.subarray(0, 20)), 'LAYER_COMPRESSION_INVALID');
      const damaged = Buffer.from(blob);
      damaged.fill(0xa5, 100, 200);
      assert.is(await refusal(damaged), 'LAYER_COMPRESSION_INVALID');
    }
  });

  test('T31 refuses zstd windows of more than 128 MiB', async () => {
    // Frame header: magic, no flags, window descriptor 2^28, then an empty last raw block.
    const frame = (windowLog: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, 1, 0, 0]);
    assert.is(await refusal(frame(27)), null);
    assert.is(await refusal(frame(28)), 'LAYER_COMPRESSION_INVALID');
    assert.is(await refusal(frame(31)), 'LAYER_COMPRESSION_INVALID');
  });

  test('T31 names bzip2 and xz instead of calling them a broken tar', async () => {
    assert.is(await refusal(Buffer.from('BZh91AY&SY')), 'LAYER_COMPRESSION_INVALID');
    assert.is(await refusal(Buffer.from('fd377a585a000004', 'hex')), 'LAYER_COMPRESSION_INVALID');
  });

  test('releases its source when it is left early, refused or aborted', async () => {
    for (const blob of [GZIP, PLAIN]) {
      for (const isVerified of [false, true]) {
        const source = watched(blob);
        const {chunks} = await decompressLayer(source, {isVerified});
        for await (const _ of chunks) break;
        await source.released;
      }
    }
    const refused = watched(Buffer.from('BZh91AY&SY'));
    await decompressLayer(refused).catch(() => {});
    await refused.released;
  });

  for (const isVerified of [false, true])
    test(`throws the reason of an abort untouched, even while the source stalls (verified: ${isVerified})`, async () => {
      const controller = new AbortController();
      const reason = new Error('stop');
      const stalled = (async function* () {
        yield GZIP.subarray(0, 1000);
        await new Promise(() => {});
      })();
      const {chunks} = await decompressLayer(stalled, {signal: controller.signal, isVerified});
      setTimeout(() => controller.abort(reason), 10);
      try {
        for await (const _ of chunks);
        assert.unreachable();
      } catch (error) {
        assert.is(error, reason);
      }
    });

  for (const isVerified of [false, true])
    test(`throws what the source throws (verified: ${isVerified})`, async () => {
      const failure = new Error('network');
      const source = (async function* () {
        yield GZIP.subarray(0, 1000);
        throw failure;
      })();
      const {chunks} = await decompressLayer(source, {isVerified});
      try {
        for await (const _ of chunks);
        assert.unreachable();
      } catch (error) {
        assert.is(error, failure);
      }
    });
});

/** A source that says when it was released. */
function watched(blob: Buffer): AsyncIterable<Buffer> & {readonly released: Promise<void>} {
  const {promise, resolve} = Promise.withResolvers<void>();
  const pieces = (async function* () {
    try {
      yield* piecesOf(blob);
    } finally {
      resolve();
    }
  })();
  return {[Symbol.asyncIterator]: () => pieces, released: promise};
}
