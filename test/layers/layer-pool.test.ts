import {existsSync, statSync, writeFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import {createGrowingFile} from '../../src/host/growing-file.ts';
import {openLayerPool} from '../../src/layers/layer-pool.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from './layer-fixture.ts';

describe('layers/layer-pool', ({test, before, after}) => {
  const fixture = makeLayerFixture();
  const pool = openLayerPool({size: 2});
  const tar = buildTar([{path: 'f', content: Buffer.alloc(100_000, 1)}]);
  const blob = gzipSync(tar);
  const blobPath = fixture.path();
  before(() => writeFileSync(blobPath, blob));
  after(async () => {
    await pool.close();
    fixture.remove();
  });
  const request = (expectedDiffId = digestOf(tar)) => {
    const source = createGrowingFile(blobPath, blob.length);
    return {source, path: fixture.path(), expectedDiffId, durability: 'fast'} as const;
  };

  test('writes layers while their blobs arrive, more than there are threads', async () => {
    const requests = Array.from({length: 5}, () => request());
    const writes = requests.map((work) => pool.write(work));
    for (const {source} of requests) source.advance(100);
    for (const {source} of requests) source.complete();
    for (const [index, written] of (await Promise.all(writes)).entries()) {
      assert.is(written.tarBytes, tar.length);
      assert.is(statSync(requests[index]?.path ?? '').size, written.fileBytes);
    }
  });

  test('throws a refusal as the WinchError that it is', async () => {
    const work = request(digestOf(Buffer.from('other')));
    work.source.complete();
    const error = await rejectionOf(pool.write(work));
    assert.ok(isWinchError(error, 'DIGEST_MISMATCH'));
    assert.is(error.kind, 'refused');
    assert.type(error.hint, 'string');
    assert.is(error.details.expected, work.expectedDiffId);
    assert.not.ok(existsSync(work.path));
  });

  test('throws what the download failed with', async () => {
    const work = request();
    const writing = pool.write(work);
    work.source.advance(100);
    work.source.fail(new Error('cut off'));
    assert.is((await rejectionOf(writing)).message, 'cut off');
    assert.not.ok(existsSync(work.path));
  });

  test('throws the reason of an abort untouched once the file is gone, and goes on with the next layer', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const work = request();
    const writing = pool.write(work, {signal: controller.signal});
    work.source.advance(100);
    setTimeout(() => controller.abort(reason), 50);
    assert.is(await rejectionOf(writing), reason);
    assert.not.ok(existsSync(work.path));
    const next = request();
    next.source.complete();
    assert.is((await pool.write(next)).tarBytes, tar.length);
  });

  test('never touches a file that is there', async () => {
    const work = {...request(), path: blobPath};
    work.source.complete();
    assert.is((await rejectionOf(pool.write(work))).code, 'EEXIST');
    assert.ok(existsSync(blobPath));
  });

  test('T34 keeps no thread for a layer of which nothing has come', async () => {
    await using single = openLayerPool({size: 1});
    const controller = new AbortController();
    const reason = new Error('stop');
    const stalled = single.write(request(), {signal: controller.signal});
    const refused = request(digestOf(Buffer.from('other')));
    refused.source.complete();
    assert.ok(isWinchError(await rejectionOf(single.write(refused)), 'DIGEST_MISMATCH'));
    controller.abort(reason);
    assert.is(await rejectionOf(stalled), reason);
  });

  test('T34 rejects what is under way when it is closed, and removes its file', async () => {
    const closing = openLayerPool({size: 1});
    const work = request();
    const writing = closing.write(work);
    work.source.advance(100);
    setTimeout(() => void closing.close(), 100);
    assert.ok(isWinchError(await rejectionOf(writing), 'WORKER_FAILED'));
    assert.not.ok(existsSync(work.path));
  });
});
