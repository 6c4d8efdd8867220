import {rmSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};
const ARM64 = {platform: 'linux/arm64'};
const arm = {os: 'linux', architecture: 'arm64', variant: 'v8'};

const methods = (registry: RegistryServer, from: number): readonly string[] =>
  registry.requests.slice(from).map(({method, class: kind}) => `${method} ${kind}`);

describe('images/pull policies', ({test}) => {
  test('newer asks, and downloads only what has changed', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const pull = () => store.toolkit.images.pull(`${registry.host}/app:1`, {...AMD64, policy: 'newer'});
    registry.put('app', '1', imageOf([baseTar]));
    assert.is((await pull()).changed, true);
    const asked = registry.requests.length;
    assert.is((await pull()).changed, false);
    assert.equal(methods(registry, asked), ['HEAD manifest']);
    registry.put('app', '1', imageOf([otherTar]));
    assert.is((await pull()).changed, true);
  });

  for (const [title, fault] of [
    ['is away', null],
    ['refuses', {on: 'manifest', status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}'}],
    ['has lost the tag', {on: 'manifest', status: 404, body: ''}],
  ] as const) {
    test(`newer goes on with the stored image when the registry ${title}, and says so`, async () => {
      await using registry = await startRegistry();
      await using store = await openTestStore();
      const reference = `${registry.host}/app:1`;
      registry.put('app', '1', imageOf([baseTar]));
      await store.toolkit.images.pull(reference, AMD64);
      if (fault) registry.setFaults([fault]);
      else await registry.close();
      // One that has never talked to the registry does not wait for it to come back.
      const toolkit = await store.open();
      const events: WinchEvent[] = [];
      const onEvent = (event: WinchEvent) => void events.push(event);
      const pulled = await toolkit.images.pull(reference, {...AMD64, policy: 'newer', onEvent});
      assert.is(pulled.changed, false);
      const warnings = events.filter((event) => event.type === 'warning:raised');
      assert.equal(
        warnings.map(({code}) => code),
        ['PULL_SKIPPED'],
      );
      assert.match(warnings[0]?.message ?? '', /app:1 is used as it is stored/);
    });
  }

  test('newer does not hide an image that is damaged, nor an absent one', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const pull = () => store.toolkit.images.pull(`${registry.host}/app:1`, {...AMD64, policy: 'newer'});
    assert.is((await rejectionOf(pull())).code, 'NAME_UNKNOWN');
    registry.put('app', '1', imageOf([baseTar]));
    await pull();
    const next = imageOf([otherTar]);
    registry.put('app', '1', next);
    registry.setFaults([{on: 'blob', matching: next.layers[0]?.digest ?? '', flipByteAt: 30}]);
    assert.is((await rejectionOf(pull())).code, 'DIGEST_MISMATCH');
  });

  test('never asks nobody', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', imageOf([baseTar]));
    const pull = () => store.toolkit.images.pull(`${registry.host}/app:1`, {...AMD64, policy: 'never'});
    assert.is((await rejectionOf(pull())).code, 'IMAGE_UNKNOWN');
    assert.is(registry.requests.length, 0);
  });

  test('keeps each platform that was pulled of an index, and goes from one to the other without a download', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const images = {amd64: imageOf([baseTar]), arm64: imageOf([otherTar], {platform: arm})};
    registry.put('app', '1', buildIndex([images.amd64, images.arm64]));
    const reference = `${registry.host}/app:1`;
    for (const options of [AMD64, ARM64]) {
      assert.is((await store.toolkit.images.pull(reference, options)).changed, true);
    }
    const back = await store.toolkit.images.pull(reference, AMD64);
    assert.equal([back.manifestDigest, back.changed, back.receivedBytes], [images.amd64.manifest.digest, true, 0]);
    const inspect = async (platform?: string) => (await store.toolkit.images.inspect(reference, {platform})).imageId;
    assert.is(await inspect(), images.amd64.config.digest);
    assert.is(await inspect('linux/arm64'), images.arm64.config.digest);
    assert.is(
      (await rejectionOf(store.toolkit.images.inspect(reference, {platform: 'linux/s390x'}))).code,
      'IMAGE_UNKNOWN',
    );
    assert.equal((await store.toolkit.images.remove([reference])).deleted.length, 2);
    assert.equal(await store.toolkit.images.list(), []);
  });

  test('a variant that runs there will do where nobody is asked, and only there', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const [v2, v3] = ['v2', 'v3'].map((variant) =>
      imageOf([variant === 'v2' ? baseTar : appTar], {platform: {os: 'linux', architecture: 'amd64', variant}}),
    );
    if (!v2 || !v3) throw new Error('two were built');
    registry.put('app', '1', buildIndex([v2, v3]));
    const pull = async (variant: string, policy: 'always' | 'missing') =>
      (await store.toolkit.images.pull(`${registry.host}/app:1`, {platform: `linux/amd64/${variant}`, policy}))
        .manifestDigest;
    assert.is(await pull('v2', 'always'), v2.manifest.digest);
    assert.is(await pull('v3', 'missing'), v2.manifest.digest);
    assert.is(await pull('v3', 'always'), v3.manifest.digest);
  });
});

describe('images/pull download-only', ({test}) => {
  test('keeps the blobs, and whoever needs the image unpacks them without the registry', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const image = imageOf([baseTar, appTar]);
    registry.put('app', '1', image);
    const reference = `${registry.host}/app:1`;
    const types: string[] = [];
    const onEvent = ({type}: WinchEvent) => void types.push(type);
    await store.toolkit.images.pull(reference, {...AMD64, downloadOnly: true, onEvent});
    assert.not.ok(types.includes('layer:indexed'));
    const [listed] = await store.toolkit.images.list();
    assert.equal([listed?.reference, listed?.unpackedBytes], [reference, null]);
    await store.toolkit.images.tag(reference, 'kept');
    assert.is((await store.toolkit.images.remove(['kept'])).freedBytes, 0);
    const asked = registry.requests.length;
    await store.toolkit.images.pull(reference, {...AMD64, downloadOnly: true});
    assert.equal(methods(registry, asked), ['HEAD manifest']);
    await registry.close();
    const pulled = await store.toolkit.images.pull(reference, {...AMD64, policy: 'never', onEvent});
    assert.equal([pulled.changed, pulled.receivedBytes], [false, 0]);
    assert.is(types.filter((type) => type === 'layer:indexed').length, 2);
    assert.is((await store.toolkit.images.list())[0]?.unpackedBytes, baseTar.length + appTar.length);
  });

  test('fetches a blob that was lost before it was unpacked, and says so where nobody may be asked', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const image = imageOf([baseTar, appTar]);
    const lost = image.layers[1];
    if (!lost) throw new Error('two were built');
    registry.put('app', '1', image);
    const reference = `${registry.host}/app:1`;
    await store.toolkit.images.pull(reference, {...AMD64, downloadOnly: true});
    rmSync(join(store.root, 'blobs', lost.digest.replace(':', '/')));
    const never = store.toolkit.images.pull(reference, {...AMD64, policy: 'never'});
    assert.is((await rejectionOf(never)).code, 'IMAGE_UNKNOWN');
    const {receivedBytes} = await store.toolkit.images.pull(reference, {...AMD64, policy: 'missing'});
    assert.is(receivedBytes, lost.bytes.length);
  });
});
