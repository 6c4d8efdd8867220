import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildImage, buildIndex} from '../../fixtures/build-image.ts';
import {type Fault, startRegistry} from '../../fixtures/registry-server.ts';
import {isWinchError, type WinchError} from '../../src/errors.ts';
import type {WinchEvent} from '../../src/events.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

describe('images/pull', ({test}) => {
  test('stores an image under its reference, and a second pull fetches nothing', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', imageOf([baseTar, appTar]));
    const first = await store.toolkit.images.pull(`${registry.host}/app:1`, AMD64);
    assert.is(first.changed, true);
    assert.is(first.platform, 'linux/amd64');
    const asked = registry.requests.length;
    const second = await store.toolkit.images.pull(`${registry.host}/app:1`, AMD64);
    assert.is(second.changed, false);
    assert.is(second.receivedBytes, 0);
    assert.equal(
      registry.requests.slice(asked).map(({method}) => method),
      ['HEAD'],
    );
  });

  test('fetches each blob once when two toolkits pull the same image at once', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', imageOf([baseTar, appTar, otherTar]));
    const other = await store.open();
    const pull = (toolkit: typeof other) => toolkit.images.pull(`${registry.host}/app:1`, AMD64);
    const [one, two] = await Promise.all([pull(store.toolkit), pull(other)]);
    assert.is(one.imageId, two.imageId);
    const layerRequests = registry.requests.filter(({class: kind, status}) => kind === 'blob' && status === 200);
    const layers = imageOf([baseTar, appTar, otherTar]).layers.map(({digest}) => digest);
    const counts = layers.map((digest) => layerRequests.filter(({url}) => url.endsWith(digest)).length);
    assert.equal(counts, [1, 1, 1]);
  });

  test('reports what it does as events', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', imageOf([baseTar]));
    const events: WinchEvent[] = [];
    const options = {...AMD64, onEvent: (event: WinchEvent) => void events.push(event)};
    await store.toolkit.images.pull(`${registry.host}/app:1`, options);
    const types = events.map(({type}) => type).filter((type) => type !== 'blob:received');
    assert.equal(types.slice(0, 3), ['reference:resolving', 'manifest:resolved', 'blob:started']);
    assert.equal(types.slice(3, 5).toSorted(), ['blob:stored', 'layer:indexed']);
    assert.equal(types.slice(5), ['image:stored']);
  });

  test('M07 chooses the platform from an index and names those on offer when there is none', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const arm = imageOf([otherTar], {platform: {os: 'linux', architecture: 'arm64', variant: 'v8'}});
    registry.put('app', 'multi', buildIndex([imageOf([baseTar]), arm]));
    const pulled = await store.toolkit.images.pull(`${registry.host}/app:multi`, {platform: 'linux/arm64'});
    assert.is(pulled.manifestDigest, arm.manifest.digest);
    assert.is.not(pulled.digest, pulled.manifestDigest);
    const error = await failureOf(store.toolkit.images.pull(`${registry.host}/app:multi`, {platform: 'linux/s390x'}));
    assert.is(error.code, 'PLATFORM_MISSING');
    assert.match(error.hint ?? '', /linux\/amd64, linux\/arm64/);
  });

  test('names tags nearby when a tag is unknown', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1.20', imageOf([baseTar]));
    const error = await failureOf(store.toolkit.images.pull(`${registry.host}/app:1.2`, AMD64));
    assert.is(error.code, 'MANIFEST_UNKNOWN');
    assert.match(error.hint ?? '', /1\.20/);
  });

  test('pulls a missing image by policy, and not a present one', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const reference = `${registry.host}/app:1`;
    registry.put('app', '1', imageOf([baseTar]));
    assert.is(
      (await failureOf(store.toolkit.images.pull(reference, {...AMD64, policy: 'never'}))).code,
      'IMAGE_UNKNOWN',
    );
    await store.toolkit.images.pull(reference, {...AMD64, policy: 'missing'});
    registry.put('app', '1', imageOf([otherTar]));
    assert.is((await store.toolkit.images.pull(reference, {...AMD64, policy: 'missing'})).changed, false);
    assert.is((await store.toolkit.images.pull(reference, {...AMD64, policy: 'always'})).changed, true);
  });

  test('fetches only the layers that it lacks', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const app = imageOf([baseTar, appTar]);
    registry.put('base', '1', imageOf([baseTar]));
    registry.put('app', '1', app);
    await store.toolkit.images.pull(`${registry.host}/base:1`, AMD64);
    const {receivedBytes} = await store.toolkit.images.pull(`${registry.host}/app:1`, AMD64);
    assert.is(receivedBytes, app.layers[1]?.bytes.length);
  });

  test('pulls zstd, plain and Docker schema 2 images, and images without layers', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const compression = ['zstd', 'none'] as const;
    registry.put('app', 'mixed', buildImage({layers: [baseTar, appTar], compression}));
    registry.put('app', 'docker', buildImage({layers: [baseTar, otherTar], mediaTypes: 'docker'}));
    registry.put('app', 'empty', buildImage({layers: []}));
    for (const tag of ['mixed', 'docker', 'empty']) {
      assert.is((await store.toolkit.images.pull(`${registry.host}/app:${tag}`, AMD64)).changed, true, tag);
    }
  });

  for (const {title, faults, code} of refusals()) {
    test(`refuses ${title} and leaves the store as it was`, async () => {
      await using registry = await startRegistry();
      await using store = await openTestStore();
      registry.put('app', 'old', imageOf([otherTar]));
      await store.toolkit.images.pull(`${registry.host}/app:old`, AMD64);
      const before = listStore(store.root);
      registry.put('app', '1', imageOf([baseTar, appTar]));
      registry.setFaults(faults);
      assert.is((await failureOf(store.toolkit.images.pull(`${registry.host}/app:1`, AMD64))).code, code);
      assert.equal(
        (await store.toolkit.images.list()).map(({tag}) => tag),
        ['old'],
      );
      await store.toolkit.images.tag(`${registry.host}/app:old`, 'kept');
      await store.toolkit.images.remove(['kept']);
      assert.equal(listStore(store.root), before);
    });
  }

  test('ends at once when it is aborted, and the next pull succeeds', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', imageOf([baseTar, appTar]));
    registry.setFaults([{on: 'blob', slow: {bytes: 10, pauseMs: 20}}]);
    const reason = new Error('enough');
    const controller = new AbortController();
    const pull = store.toolkit.images.pull(`${registry.host}/app:1`, {
      ...AMD64,
      signal: controller.signal,
      onEvent: ({type}) => void (type === 'blob:received' && controller.abort(reason)),
    });
    assert.is(await pull.catch((error: unknown) => error), reason);
    registry.setFaults([]);
    assert.is((await store.toolkit.images.pull(`${registry.host}/app:1`, AMD64)).changed, true);
  });
});

function refusals(): readonly {title: string; faults: readonly Fault[]; code: string}[] {
  const layer = imageOf([baseTar, appTar]).layers[1]?.digest ?? '';
  return [
    {
      title: 'a layer with another digest',
      faults: [{on: 'blob', matching: layer, flipByteAt: 30}],
      code: 'DIGEST_MISMATCH',
    },
    {title: 'a garbage manifest', faults: [{on: 'manifest', body: '{"schemaVersion": 2'}], code: 'MANIFEST_INVALID'},
    {title: 'a size lie', faults: [{on: 'blob', matching: layer, body: 'short'}], code: 'SIZE_MISMATCH'},
    {title: 'a missing blob', faults: [{on: 'blob', matching: layer, status: 404, body: ''}], code: 'BLOB_UNKNOWN'},
  ];
}

async function failureOf(promise: Promise<unknown>): Promise<WinchError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (isWinchError(error)) return error;
  throw error ?? new Error('it succeeded');
}

/** Every blob and layer, so that a change shows; downloads that were cut off stay for the next attempt. */
const listStore = (root: string): readonly string[] =>
  ['blobs', 'layers']
    .flatMap((name) => readdirSync(join(root, name), {recursive: true, withFileTypes: true}))
    .filter((entry) => entry.isFile())
    .map(({parentPath, name}) => join(parentPath, name))
    .toSorted();
