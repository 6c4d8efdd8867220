import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {gzipSync, zstdCompressSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import {writeLayerFile} from '../../src/layers/write-layer.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {OCI_LAYER_GZIP} from '../../src/oci/media-types.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture, piecesOf} from './layer-fixture.ts';

const TAR = buildTar([
  {path: 'a', content: 'x'.repeat(5000)},
  {path: 'b', type: 'symlink', linkPath: 'a'},
]);
const NOTHING = Buffer.alloc(0);
const OPTIONS = {expectedDiffId: digestOf(TAR), durability: 'full'} as const;

describe('layers/write-layer', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);
  const refusal = async (blob: Buffer, options: Partial<Parameters<typeof writeLayerFile>[2]> = {}) => {
    const path = fixture.path();
    try {
      await writeLayerFile(piecesOf(blob), path, {...OPTIONS, ...options});
      return null;
    } catch (error) {
      assert.not.ok(existsSync(path), 'the file is gone');
      if (isWinchError(error)) return error.code;
      throw error;
    }
  };

  test('keeps the tar byte for byte behind 4 KiB, whatever it came in', async () => {
    for (const [blob, compression] of [
      [TAR, 'none'],
      [gzipSync(TAR), 'gzip'],
      [zstdCompressSync(TAR), 'zstd'],
    ] as const) {
      const path = fixture.path();
      const written = await writeLayerFile(piecesOf(blob, 100), path, OPTIONS);
      const file = readFileSync(path);
      assert.ok(file.subarray(4096, 4096 + TAR.length).equals(TAR));
      assert.equal(written, {
        diffId: OPTIONS.expectedDiffId,
        tarBytes: TAR.length,
        fileBytes: file.length,
        entries: 2,
        whiteouts: 0,
        directories: {implied: [''], opaque: []},
        compression,
        warnings: [],
      });
      assert.is(statSync(path).mode & 0o7777, 0o600);
      assert.is(file.length % 4096, 0);
    }
  });

  test('counts padding and whatever else follows the trailer into the diff id', async () => {
    const padded = Buffer.concat([TAR, Buffer.alloc(10_240), Buffer.from('not a tar any more')]);
    const {tarBytes} = await fixture.write(padded);
    assert.is(tarBytes, padded.length);
    assert.is(await refusal(padded), 'DIGEST_MISMATCH');
  });

  test('T32 refuses a tar with another digest and keeps nothing', async () => {
    assert.is(await refusal(buildTar([{path: 'other'}])), 'DIGEST_MISMATCH');
    assert.is(await refusal(gzipSync(buildTar([{path: 'other'}]))), 'DIGEST_MISMATCH');
  });

  test('T31 refuses a zstd blob that is cut off: what zlib lets pass, the diff id does not', async () => {
    const blob = zstdCompressSync(TAR);
    for (const bytes of [3, 10, 30]) assert.type(await refusal(blob.subarray(0, -bytes)), 'string');
  });

  test('checks sha512 diff ids as well', async () => {
    const expectedDiffId = digestOf(TAR, 'sha512');
    assert.is((await fixture.write(TAR, {expectedDiffId})).diffId, expectedDiffId);
  });

  test('refuses hostile entries and keeps nothing', async () => {
    const tar = buildTar([{path: 'fine'}, {path: '../canary'}]);
    assert.is(await refusal(tar, {expectedDiffId: digestOf(tar)}), 'TAR_PATH');
    const cut = TAR.subarray(0, 3000);
    assert.is(await refusal(cut, {expectedDiffId: digestOf(cut)}), 'TAR_INVALID');
  });

  test('T31 warns when the media type announces another compression, and believes the bytes', async () => {
    assert.is((await fixture.write(TAR, {mediaType: OCI_LAYER_GZIP})).warnings.length, 1);
    assert.is((await fixture.write(TAR, {mediaType: 'application/x-unknown'})).warnings.length, 0);
  });

  test('T30 stops at the limit of unpacked bytes', async () => {
    assert.is(await refusal(gzipSync(TAR), {maxUnpackedBytes: TAR.length}), null);
    assert.is(await refusal(gzipSync(TAR), {maxUnpackedBytes: TAR.length - 1}), 'LIMIT_UNPACKED');
  });

  test('T30 stops a bomb when the disk would get too full', async () => {
    const bomb = gzipSync(buildTar([{path: 'zeros', content: Buffer.alloc(80 * 2 ** 20)}]));
    assert.is(await refusal(bomb, {freeSpaceFloor: Number.MAX_SAFE_INTEGER}), 'STORE_FULL');
  });

  test('T30 stops bombs of endless gzip members and zstd frames', async () => {
    const tar = buildTar([{path: 'zeros', content: Buffer.alloc(32 * 2 ** 20), size: 10 * 2 ** 30}], {
      trailer: NOTHING,
    });
    const zeros = Buffer.alloc(32 * 2 ** 20);
    for (const pack of [gzipSync, zstdCompressSync]) {
      const bomb = (async function* () {
        yield pack(tar);
        for (const member = pack(zeros); ; ) yield member;
      })();
      const error = await rejectionOf(writeLayerFile(bomb, fixture.path(), {...OPTIONS, maxUnpackedBytes: 2 ** 26}));
      assert.is(error.code, 'LIMIT_UNPACKED');
    }
  });

  test(
    'T30 reports a full disk as such, and leaves nothing on it',
    () => {
      const script = fileURLToPath(new URL('full-disk.ts', import.meta.url));
      const {stdout, stderr} = spawnSync(process.execPath, [script, fixture.mountPoint], {encoding: 'utf8'});
      assert.is(stdout, 'STORE_FULL []', stderr);
    },
    {skip: process.getuid?.() === 0 ? undefined : 'mounting a small disk needs root'},
  );

  test('never replaces a file that is there', async () => {
    const path = fixture.path();
    writeFileSync(path, 'mine');
    assert.is((await rejectionOf(writeLayerFile(piecesOf(TAR), path, OPTIONS))).code, 'EEXIST');
    assert.is(readFileSync(path, 'utf8'), 'mine');
  });

  test('throws the reason of an abort untouched and leaves nothing', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const before = readdirSync(fixture.directory).length;
    const endless = (async function* () {
      for (let piece = 0; ; piece++) {
        if (piece === 3) controller.abort(reason);
        yield TAR;
      }
    })();
    const options = {...OPTIONS, signal: controller.signal};
    assert.is(await rejectionOf(writeLayerFile(endless, fixture.path(), options)), reason);
    assert.is(await rejectionOf(writeLayerFile(piecesOf(TAR), fixture.path(), options)), reason);
    assert.is(readdirSync(fixture.directory).length, before);
  });

  test('throws what the source throws and leaves nothing', async () => {
    const failure = new Error('network');
    const source = (async function* () {
      yield TAR;
      throw failure;
    })();
    const path = fixture.path();
    assert.is(await rejectionOf(writeLayerFile(source, path, OPTIONS)), failure);
    assert.not.ok(existsSync(path));
  });
});
