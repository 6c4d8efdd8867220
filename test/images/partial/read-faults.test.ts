import {randomBytes} from 'node:crypto';
import * as assert from 'uvu/assert';
import {buildChunkedLayer} from '../../../fixtures/build-chunked-layer.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {serveImage} from './remote-image.ts';

const FORMATS = ['estargz', 'zstd:chunked'] as const;
const NOISE = randomBytes(2_000_000);

for (const format of FORMATS) {
  describe(`images/partial faults with ${format}`, ({test}) => {
    const layer = buildChunkedLayer({
      format,
      entries: [
        {path: 'other', content: randomBytes(500_000)},
        {path: 'noise', content: NOISE},
        {path: 'small', content: 'small'},
      ],
      chunkBytes: 300_000,
    });
    const matching = digestOf(layer.bytes);

    test('R01 what is cut in the middle of a piece is asked for from there on, and no byte twice', async () => {
      await using clean = await serveImage(layer);
      await clean.read('/noise');
      await using image = await serveImage(layer);
      image.registry.setFaults([{on: 'blob', matching, every: 2, times: 1, truncateAt: 450_000}]);
      assert.ok((await image.read('/noise')).equals(NOISE));
      assert.is(image.sentBytes(), clean.sentBytes());
      assert.is(image.events.filter(({type}) => type === 'blob:resumed').length, 1);
    });

    test('R07 a registry that ignores the range sends no whole layer for a part of it: the image is pulled', async () => {
      await using image = await serveImage(layer);
      image.registry.setFaults([{on: 'blob', matching, noRange: true, slow: {bytes: 100_000, pauseMs: 5}}]);
      assert.is((await image.read('/small')).toString(), 'small');
      assert.equal(image.warnings(), ['RANGE_UNSUPPORTED']);
      assert.is((await image.images.list()).length, 1);
      const sent = image.registry.requests.filter(({url}) => url.includes(matching)).map(({bytes}) => bytes);
      assert.is(sent.length, 2);
      assert.ok((sent[0] ?? 0) < layer.bytes.length, `${sent[0]} of ${layer.bytes.length} bytes`);
    });

    test('R07 a registry that gives other ranges than it is asked for is not believed', async () => {
      for (const headers of [{'content-range': 'bytes 0-9/10'}, {'content-range': null}]) {
        await using image = await serveImage(layer);
        image.registry.setFaults([{on: 'blob', matching, times: 1, headers}]);
        assert.is((await image.read('/small')).toString(), 'small');
        assert.equal(image.warnings(), ['RANGE_UNSUPPORTED']);
      }
    });

    test('says so when a registry stops to give ranges', async () => {
      await using image = await serveImage(layer);
      image.registry.setFaults([{on: 'blob', matching, every: 2, noRange: true}]);
      const {code, message} = await image.refusal('/small');
      assert.is(code, 'RANGE_UNSUPPORTED');
      assert.match(message, matching);
    });

    test('reads once more what was damaged on the way', async () => {
      await using image = await serveImage(layer);
      image.registry.setFaults([{on: 'blob', matching, times: 1, flipByteAt: format === 'estargz' ? 16_000 : 10}]);
      assert.ok((await image.read('/noise')).equals(NOISE));
      image.registry.setFaults([{on: 'blob', matching, every: 2, times: 1, flipByteAt: 400_000}]);
      assert.ok((await image.read('/noise')).equals(NOISE));
      assert.is(image.events.filter(({type}) => type === 'request:retrying').length, 2);
    });

    test('gives up a registry that goes away, by its own error', async () => {
      await using image = await serveImage(layer);
      image.registry.setFaults([{on: 'blob', matching, status: 503}]);
      assert.is((await image.refusal('/small')).code, 'REGISTRY_ERROR');
      image.registry.setFaults([{on: 'blob', matching, status: 404}]);
      assert.is((await image.refusal('/small')).code, 'BLOB_UNKNOWN');
    });

    test('asks where a registry sends it', async () => {
      await using image = await serveImage(layer);
      await using elsewhere = await serveImage(layer);
      image.registry.setFaults([{on: 'blob', matching, redirectTo: elsewhere.registry.origin}]);
      assert.is((await image.read('/small')).toString(), 'small');
      assert.is(elsewhere.registry.requests.filter(({status}) => status === 206).length, 2);
    });

    test('ends at once while tables are fetched', async () => {
      await using image = await serveImage(layer);
      const abort = new AbortController();
      image.registry.setFaults([{on: 'blob', matching, hang: true}]);
      image.registry.onRequest((_, url) => {
        if (url.includes(matching)) abort.abort(new Error('enough'));
      });
      assert.is((await rejectionOf(image.read('/small', {signal: abort.signal}))).message, 'enough');
    });
  });
}
