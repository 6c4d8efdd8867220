import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {gzipSync, zstdCompressSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {digestOf} from '../../../src/oci/digest.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {findProgram} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {appTar, baseTar} from '../sample-images.ts';

const leftIn = ({root}: TestStore) =>
  existsSync(join(root, 'ingest')) ? readdirSync(join(root, 'ingest')).filter((name) => !name.startsWith('blob-')) : [];

describe('images/archives/import', ({test}) => {
  for (const [what, bytes, mediaType] of [
    ['a plain', baseTar, 'application/vnd.oci.image.layer.v1.tar'],
    ['a gzipped', gzipSync(baseTar), 'application/vnd.oci.image.layer.v1.tar+gzip'],
    ['a zstd', zstdCompressSync(baseTar), 'application/vnd.oci.image.layer.v1.tar+zstd'],
  ] as const) {
    test(`makes an image of ${what} tar, whose bytes stay as they are`, async () => {
      using directory = makeTemporaryDirectory();
      await using store = await openTestStore();
      const {images} = store.toolkit;
      const path = join(directory.path, 'root.tar');
      writeFileSync(path, bytes);
      const options = {reference: 'base:1', changes: ['CMD ["/bin/tool"]', 'ENV A=1'], message: 'by hand'};
      for (const input of [path, Readable.from([bytes.subarray(0, 3), bytes.subarray(3)])]) {
        const imported = await images.import(input, options);
        const details = await images.inspect('base:1');
        assert.is(imported.layerDigest, digestOf(bytes));
        assert.equal([details.imageId, details.manifestDigest], [imported.imageId, imported.manifestDigest]);
        assert.equal(
          details.layers.map((layer) => [layer.digest, layer.diffId, layer.mediaType]),
          [[digestOf(bytes), digestOf(baseTar), mediaType]],
        );
        const {config, history} = JSON.parse(JSON.stringify(details.config));
        assert.equal(config, {Cmd: ['/bin/tool'], Env: ['A=1']});
        assert.is(history[0].comment, 'by hand');
      }
      assert.equal(leftIn(store), []);
    });
  }

  const skip = findProgram('xz') === null ? 'xz is not installed' : undefined;
  const unpack = async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    const bytes = spawnSync('xz', ['-c'], {input: baseTar}).stdout;
    const path = join(directory.path, 'root.tar.xz');
    writeFileSync(path, bytes);
    for (const input of [path, Readable.from([bytes.subarray(0, 3), bytes.subarray(3)])]) {
      assert.is((await store.toolkit.images.import(input)).layerDigest, digestOf(baseTar));
    }
    assert.equal(leftIn(store), []);
  };
  test('makes a plain layer of a tar that is packed as no layer may be', unpack, {skip});

  test('makes an image without a name, and one for another platform', async () => {
    await using store = await openTestStore();
    const {images} = store.toolkit;
    const {imageId} = await images.import(Readable.from([appTar]), {platform: 'linux/arm64/v8'});
    const {platform, references} = await images.inspect(imageId);
    assert.match(platform, /^linux\/arm64/);
    assert.equal(references, []);
  });

  test('refuses what is no tar or no file, and what is wrong with a change, and keeps nothing', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    const codeOf = async (input: string | Readable, changes: readonly string[] = []) =>
      (await rejectionOf(store.toolkit.images.import(input, {reference: 'base:1', changes}))).code ?? '';
    assert.match(await codeOf(Readable.from([Buffer.alloc(2048, 'x')])), /^TAR_/);
    assert.is(await codeOf(Readable.from([gzipSync(baseTar).subarray(0, 60)])), 'LAYER_COMPRESSION_INVALID');
    assert.is(await codeOf(directory.path), 'FILE_UNUSABLE');
    assert.is(await codeOf(join(directory.path, 'none')), 'ARCHIVE_MISSING');
    assert.is(await codeOf(Readable.from([baseTar]), ['RUN make']), 'CHANGE_INVALID');
    assert.equal(await store.toolkit.images.list(), []);
    assert.equal(leftIn(store), []);
  });
});
