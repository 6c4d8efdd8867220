import {existsSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {BuiltImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type Fault, type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {isWinchError, type WinchError} from '../../src/errors.ts';
import type {WinchEvent} from '../../src/events.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {imageOf} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};
const LAYER_BYTES = 600_000;
const IMAGE = imageOf([buildTar([{path: 'data', content: pseudoRandomBytes(LAYER_BYTES, 3)}])], {compression: 'gzip'});
const OTHER = imageOf([buildTar([{path: 'data', content: pseudoRandomBytes(LAYER_BYTES, 5)}])], {compression: 'gzip'});
const LAYER = layerOf(IMAGE);
const SIZE = LAYER.bytes.length;
const HALF = Math.floor(SIZE / 2);
const onLayer = {on: 'blob', matching: LAYER.digest} as const;

interface Lab {
  readonly registry: RegistryServer;
  readonly store: TestStore;
  readonly events: WinchEvent[];
  pull(signal?: AbortSignal): Promise<{readonly receivedBytes: number}>;
  /** Bytes of the layer that the registry sent, by request. */
  sent(): readonly number[];
  partial(): string;
}

describe('images/transfers', ({test}) => {
  const withLab = async (faults: readonly Fault[], body: (lab: Lab) => Promise<void>): Promise<void> => {
    await using registry = await startRegistry({faults});
    registry.put('app', '1', IMAGE);
    const retryPolicy = {firstDelayMs: 1, longestDelayMs: 2, budgetMs: 100};
    await using store = await openTestStore({retryPolicy});
    const events: WinchEvent[] = [];
    await body({
      registry,
      store,
      events,
      pull: (signal) =>
        store.toolkit.images.pull(`${registry.host}/app:1`, {...AMD64, signal, onEvent: (event) => events.push(event)}),
      sent: () => registry.requests.filter(({url}) => url.endsWith(LAYER.digest)).map(({bytes}) => bytes),
      partial: () => join(store.root, 'ingest', `blob-${LAYER.digest.replace(':', '-')}`),
    });
  };
  /** The image is recorded, its blob is right, and nothing is left over. */
  const requireWhole = async ({registry, store, partial}: Lab) => {
    const [image] = await store.toolkit.images.list();
    assert.is(image?.tag, '1', registry.host);
    const blob = join(store.root, 'blobs', LAYER.digest.replace(':', '/'));
    assert.is(digestOf(readFileSync(blob)), LAYER.digest);
    assert.not.ok(existsSync(partial()));
  };

  test('R01 a layer that is cut goes on at its last byte while it is indexed', () =>
    withLab([{...onLayer, times: 1, truncateAt: HALF}], async (lab) => {
      assert.is((await lab.pull()).receivedBytes, SIZE);
      assert.equal(lab.sent(), [HALF, SIZE - HALF]);
      await requireWhole(lab);
    }));

  test('R03 what was received before the budget was used up stays, and the next pull fetches the rest', () =>
    withLab([{...onLayer, resetAt: 20_000}], async (lab) => {
      assert.is((await failureOf(lab.pull())).code, 'REGISTRY_UNAVAILABLE');
      assert.equal(await lab.store.toolkit.images.list(), []);
      const kept = statSync(lab.partial()).size;
      assert.ok(kept >= 20_000 && kept < SIZE, `${kept} bytes`);
      lab.registry.setFaults([]);
      assert.is((await lab.pull()).receivedBytes, SIZE - kept);
      assert.is(lab.sent().at(-1), SIZE - kept);
      assert.equal(lab.events.filter((event) => event.type === 'blob:resumed').at(-1), {
        type: 'blob:resumed',
        digest: LAYER.digest,
        offset: kept,
        totalBytes: SIZE,
      });
      await requireWhole(lab);
    }));

  for (const at of [0, HALF, SIZE - 1]) {
    test(`R04 a byte at ${at} that was flipped on the way is fetched again, once`, () =>
      withLab([{...onLayer, times: 1, flipByteAt: at}], async (lab) => {
        await lab.pull();
        assert.is(lab.sent().length, 2);
        await requireWhole(lab);
      }));
  }

  test('R04, R18 bytes that stay wrong are refused after two downloads, and nothing is kept', () =>
    withLab([], async (lab) => {
      const wrong = layerOf(OTHER).bytes.subarray(0, SIZE);
      for (const spoil of [
        () => lab.registry.setFaults([{...onLayer, flipByteAt: HALF}]),
        () => lab.registry.putBlob('app', Buffer.concat([wrong, Buffer.alloc(SIZE - wrong.length)]), LAYER.digest),
      ]) {
        lab.registry.setFaults([]);
        spoil();
        const before = lab.sent().length;
        const error = await failureOf(lab.pull());
        assert.equal([error.code, error.kind], ['DIGEST_MISMATCH', 'refused']);
        assert.match(
          error.message,
          /^layer sha256:[0-9a-f]{64} of .*\/app:1 does not match: got sha256:.* after 2 downloads$/,
        );
        assert.is(lab.sent().length, before + 2);
        assert.not.ok(existsSync(lab.partial()));
        assert.equal(await lab.store.toolkit.images.list(), []);
      }
    }));

  test('R04 a partial download that was damaged on disk is fetched anew', () =>
    withLab([{...onLayer, times: 1, slow: {bytes: HALF, pauseMs: 10_000}}], async (lab) => {
      await abortAt(lab, HALF);
      writeFileSync(lab.partial(), Buffer.alloc(HALF));
      await lab.pull();
      assert.equal(lab.sent().slice(-2), [SIZE - HALF, SIZE]);
      await requireWhole(lab);
    }));

  test('R07 the next pull of a registry that ignores ranges is right as well', () =>
    withLab(
      [
        {...onLayer, times: 1, slow: {bytes: HALF, pauseMs: 10_000}},
        {...onLayer, noRange: true},
      ],
      async (lab) => {
        await abortAt(lab, HALF);
        await lab.pull();
        await requireWhole(lab);
      },
    ));

  test('R13 the digest that a registry claims for bytes is not trusted', () =>
    withLab([{on: 'any', headers: {'docker-content-digest': `sha256:${'0'.repeat(64)}`}}], async (lab) => {
      await lab.pull();
      await requireWhole(lab);
      const [image] = await lab.store.toolkit.images.list();
      assert.is(image?.digest ?? IMAGE.manifest.digest, IMAGE.manifest.digest);
    }));

  test('R15 a tag that moves during the pull gives one image or the other, never parts of both', () =>
    withLab([{...onLayer, times: 1, slow: {bytes: HALF, pauseMs: 50}}], async (lab) => {
      lab.registry.put('app', '2', OTHER);
      const pulling = lab.pull();
      await waitFor(() => lab.sent().length > 0);
      lab.registry.put('app', '1', OTHER);
      await pulling;
      await requireWhole(lab);
      await lab.pull();
      assert.ok(existsSync(join(lab.store.root, 'blobs', OTHER.manifest.digest.replace(':', '/'))));
    }));

  test('an aborted pull leaves what the next one goes on from, and no tag', () =>
    withLab([{...onLayer, times: 1, slow: {bytes: HALF, pauseMs: 10_000}}], async (lab) => {
      await abortAt(lab, HALF);
      assert.equal(await lab.store.toolkit.images.list(), []);
      assert.is((await lab.pull()).receivedBytes, SIZE - HALF);
      await requireWhole(lab);
    }));

  test('a download that was whole but not committed costs no request', () =>
    withLab([{...onLayer, times: 1, slow: {bytes: HALF, pauseMs: 10_000}}], async (lab) => {
      await abortAt(lab, HALF);
      writeFileSync(lab.partial(), LAYER.bytes);
      const before = lab.sent().length;
      assert.is((await lab.pull()).receivedBytes, 0);
      assert.is(lab.sent().length, before);
      await requireWhole(lab);
    }));

  test('a second puller follows the first, tells its progress and takes over at its last byte', () =>
    withLab([{...onLayer, times: 1, slow: {bytes: HALF, pauseMs: 60_000}}], async (lab) => {
      const controller = new AbortController();
      const reason = new Error('the leader died');
      const leading = lab.pull(controller.signal).catch((error: unknown) => error);
      await waitFor(() => existsSync(lab.partial()) && statSync(lab.partial()).size === HALF);
      const events: WinchEvent[] = [];
      const follower = await lab.store.open();
      const onEvent = (event: WinchEvent) => void events.push(event);
      const following = follower.images.pull(`${lab.registry.host}/app:1`, {...AMD64, onEvent});
      await waitFor(() => events.some((event) => event.type === 'blob:received' && event.receivedBytes === HALF));
      assert.is(lab.sent().length, 1);
      controller.abort(reason);
      assert.is(await leading, reason);
      assert.is((await following).receivedBytes, SIZE - HALF);
      assert.is(lab.sent().at(-1), SIZE - HALF);
      const types = events.map(({type}) => type);
      assert.ok(types.indexOf('blob:waiting') < types.indexOf('blob:resumed'));
      await requireWhole(lab);
    }));

  test('unfinished downloads outlive the removal of other images', () =>
    withLab([{...onLayer, times: 1, slow: {bytes: HALF, pauseMs: 10_000}}], async (lab) => {
      lab.registry.put('other', '1', OTHER);
      await lab.store.toolkit.images.pull(`${lab.registry.host}/other:1`, AMD64);
      await abortAt(lab, HALF);
      await lab.store.toolkit.images.remove([`${lab.registry.host}/other:1`]);
      assert.equal(readdirSync(join(lab.store.root, 'ingest')).length, 1);
      assert.is((await lab.pull()).receivedBytes, SIZE - HALF);
    }));
});

function layerOf({layers: [layer]}: BuiltImage): BuiltImage['layers'][number] {
  if (!layer) throw new Error('the image has no layer');
  return layer;
}

async function abortAt({pull, partial}: Lab, bytes: number): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('enough');
  const pulling = pull(controller.signal).catch((error: unknown) => error);
  await waitFor(() => existsSync(partial()) && statSync(partial()).size === bytes);
  controller.abort(reason);
  assert.is(await pulling, reason);
}

async function failureOf(promise: Promise<unknown>): Promise<WinchError> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (rejection: unknown) => rejection,
  );
  if (isWinchError(error)) return error;
  throw error;
}

function pseudoRandomBytes(length: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({length}, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state & 0xff;
    }),
  );
}
