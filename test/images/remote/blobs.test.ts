import * as assert from 'uvu/assert';
import type {WinchEvent} from '../../../src/events.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {AMD64, readAll, withRemote} from './with-remote.ts';

const [LAYER] = AMD64.layers;
if (LAYER === undefined) throw new Error('the image has no layer');
const absent = digestOf(Buffer.from('absent'));

describe('images/remote: blobs', ({test}) => {
  test('says how long a blob is', () =>
    withRemote({}, async ({registries, name, asked}) => {
      const {digest, bytes} = LAYER;
      assert.equal(await registries.headBlob(`${name}@${digest}`), {repository: name, digest, size: bytes.length});
      assert.equal(asked(), ['HEAD blob']);
    }));

  test('streams a blob', () =>
    withRemote({}, async ({registries, name}) => {
      const blob = await registries.openBlob(`${name}@${LAYER.digest}`);
      assert.is(blob.size, LAYER.bytes.length);
      assert.equal(await readAll(blob.content), LAYER.bytes);
    }));

  test('goes on where a download broke off, and reports it', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const big = Buffer.alloc(3_000_000, 'x');
      registry.putBlob('team/app', big);
      registry.setFaults([{on: 'blob', method: 'GET', truncateAt: 1_500_000, times: 1}]);
      const events: WinchEvent[] = [];
      const onEvent = (event: WinchEvent) => void events.push(event);
      const blob = await registries.openBlob(`${name}@${digestOf(big)}`, {onEvent});
      assert.equal(await readAll(blob.content), big);
      const types = new Set(events.map(({type}) => type));
      for (const type of ['blob:started', 'blob:resumed', 'blob:received', 'blob:stored'] as const) {
        assert.ok(types.has(type), type);
      }
      assert.equal(events.at(-2), {
        type: 'blob:received',
        digest: digestOf(big),
        receivedBytes: big.length,
        totalBytes: big.length,
      });
    }));

  test('fails at the end of bytes that are not those of the digest', () =>
    withRemote({}, async ({registry, registries, name}) => {
      registry.setFaults([{on: 'blob', flipByteAt: 3}]);
      const blob = await registries.openBlob(`${name}@${LAYER.digest}`);
      assert.is((await rejectionOf(readAll(blob.content))).code, 'DIGEST_MISMATCH');
    }));

  test('names what is not there, and what is no blob', () =>
    withRemote({}, async ({registries, name}) => {
      for (const ask of [registries.headBlob, registries.openBlob]) {
        assert.is((await rejectionOf(ask(`${name}@${absent}`))).code, 'BLOB_UNKNOWN');
        assert.is((await rejectionOf(ask(`${name}:1.0`))).code, 'REFERENCE_INVALID');
      }
    }));

  test('ends with its signal', () =>
    withRemote({}, async ({registries, name}) => {
      const controller = new AbortController();
      const blob = await registries.openBlob(`${name}@${LAYER.digest}`, {signal: controller.signal});
      const reason = new Error('enough');
      controller.abort(reason);
      assert.is(await rejectionOf(readAll(blob.content)), reason);
    }));
});
