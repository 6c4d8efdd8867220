import {readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildImage, buildIndex, describeDocument, jsonDocument} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const ALL = {platform: 'linux/amd64', allPlatforms: true};
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

const amd64 = imageOf([baseTar, appTar]);
const arm64 = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
const lateTar = buildTar([{path: 'srv/late', content: Buffer.from('late')}]);
const s390x = imageOf([lateTar], {platform: {os: 'linux', architecture: 's390x'}});

/** As BuildKit files it: an image manifest whose config is an image's and whose layer is in-toto. */
function attestation() {
  const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}');
  const image = buildImage({
    layers: [statement],
    compression: 'none',
    platform: {os: 'unknown', architecture: 'unknown'},
    manifest: {},
  });
  return {...image, platform: {os: 'unknown', architecture: 'unknown'}};
}

const indexOf = (manifests: readonly unknown[]) =>
  jsonDocument(OCI_INDEX, {schemaVersion: 2, mediaType: OCI_INDEX, manifests});

/** An index of amd64 and an attestation, and of an index of arm64 and s390x. */
function putNested(registry: RegistryServer) {
  const provenance = attestation();
  for (const image of [amd64, arm64, s390x, provenance]) registry.put('app', null, image);
  const nested = buildIndex([arm64, s390x]);
  registry.put('app', null, nested);
  const outer = indexOf([
    {...describeDocument(amd64.manifest), platform: amd64.platform},
    {...describeDocument(provenance.manifest), platform: provenance.platform},
    describeDocument(nested.index),
    {...describeDocument(amd64.manifest), platform: amd64.platform},
  ]);
  registry.put('app', '1', outer);
  return {outer, nested, provenance, reference: `${registry.host}/app:1`};
}

const listBlobs = (root: string): readonly string[] => readdirSync(join(root, 'blobs/sha256')).toSorted();
const hexOf = (digests: Iterable<string>): readonly string[] =>
  [...new Set(digests)].map((digest) => digest.slice('sha256:'.length)).toSorted();

describe('images/pull all platforms', ({test}) => {
  test('stores every image of an index and of those in it, and what is beside them, each blob once', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const {outer, nested, provenance, reference} = putNested(registry);
    const events: WinchEvent[] = [];
    const onEvent = (event: WinchEvent) => void events.push(event);
    const pulled = await store.toolkit.images.pull(reference, {...ALL, onEvent});
    assert.equal([pulled.digest, pulled.manifestDigest], [outer.digest, amd64.manifest.digest]);
    const images = [amd64, arm64, s390x, provenance];
    const documents = [outer.digest, nested.index.digest, ...images.map(({manifest}) => manifest.digest)];
    const blobs = hexOf([...documents, ...images.flatMap((image) => [...image.blobs.keys()])]);
    assert.equal(listBlobs(store.root), blobs);
    const asked = registry.requests.filter(({class: kind}) => kind === 'blob').map(({url}) => url);
    assert.is(new Set(asked).size, asked.length);
    const indexed = events.flatMap((event) => (event.type === 'layer:indexed' ? [event.diffId] : []));
    assert.equal(indexed.toSorted(), amd64.diffIds.toSorted(), 'only what runs here is unpacked');
    assert.equal(
      (await store.toolkit.images.list()).map(({platform, isChosen}) => `${platform} ${isChosen}`).toSorted(),
      ['linux/amd64 true', 'linux/arm64/v8 false', 'linux/s390x false'],
    );
    await store.toolkit.images.tag(reference, 'kept');
    assert.is((await store.toolkit.images.remove([reference])).freedBytes, 0);
    assert.equal(listBlobs(store.root), blobs);
    const removed = await store.toolkit.images.remove(['kept']);
    assert.is(removed.deleted.length, 3);
    assert.equal(listBlobs(store.root), []);
  });

  test('a second time sends one HEAD, unless a blob of some platform is missing', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const {reference, provenance} = putNested(registry);
    await store.toolkit.images.pull(reference, {...ALL, downloadOnly: true});
    let asked = registry.requests.length;
    await store.toolkit.images.pull(reference, {...ALL, downloadOnly: true});
    assert.equal(
      registry.requests.slice(asked).map(({method}) => method),
      ['HEAD'],
    );
    rmSync(join(store.root, 'blobs/sha256', hexOf([provenance.layers[0]?.digest ?? ''])[0] ?? ''));
    asked = registry.requests.length;
    const {receivedBytes} = await store.toolkit.images.pull(reference, {...ALL, downloadOnly: true});
    assert.is(receivedBytes, provenance.layers[0]?.bytes.length);
  });

  test('another platform of it is unpacked from the stored blobs when it is first used', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const {reference} = putNested(registry);
    await store.toolkit.images.pull(reference, ALL);
    await registry.close();
    const never = {policy: 'never', platform: 'linux/arm64'} as const;
    const pulled = await store.toolkit.images.pull(reference, never);
    assert.equal([pulled.manifestDigest, pulled.receivedBytes], [arm64.manifest.digest, 0]);
    const unpacked = (await store.toolkit.images.list()).filter(({unpackedBytes}) => unpackedBytes !== null);
    assert.equal(unpacked.map(({platform}) => platform).toSorted(), ['linux/amd64', 'linux/arm64/v8']);
  });

  test('a nested index on the way to one platform is kept as well', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const inner = buildIndex([amd64]);
    registry.put('app', null, inner);
    registry.put('app', '1', indexOf([describeDocument(inner.index)]));
    await store.toolkit.images.pull(`${registry.host}/app:1`, {platform: 'linux/amd64'});
    await store.toolkit.images.tag(`${registry.host}/app:1`, 'kept');
    await store.toolkit.images.remove([`${registry.host}/app:1`]);
    assert.ok(listBlobs(store.root).includes(hexOf([inner.index.digest])[0] ?? ''));
  });

  test('an image without an index is pulled as it is', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', amd64);
    const pulled = await store.toolkit.images.pull(`${registry.host}/app:1`, ALL);
    assert.equal([pulled.digest, pulled.platform], [amd64.manifest.digest, 'linux/amd64']);
  });

  test('M07 refuses an index that nests too deep, has too many entries, names itself or no image', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const code = async (options: object) =>
      (await rejectionOf(store.toolkit.images.pull(`${registry.host}/app:1`, {platform: 'linux/amd64', ...options})))
        .code;
    const both = async () => [await code({}), await code({allPlatforms: true})];
    let deep = buildIndex([amd64]).index;
    registry.put('app', null, amd64);
    for (let depth = 0; depth < 50; depth++) {
      registry.put('app', null, deep);
      deep = indexOf([describeDocument(deep)]);
    }
    registry.put('app', '1', deep);
    assert.equal(await both(), ['LIMIT_INDEX_DEPTH', 'LIMIT_INDEX_DEPTH']);
    const entry = (at: number) => ({
      mediaType: OCI_MANIFEST,
      digest: `sha256:${String(at).padStart(64, '0')}`,
      size: 10,
    });
    registry.put('app', '1', indexOf(Array.from({length: 20_000}, (_, at) => entry(at))));
    assert.equal(await both(), ['LIMIT_INDEX_ENTRIES', 'LIMIT_INDEX_ENTRIES']);
    const halves = [0, 6000].map((from) => indexOf(Array.from({length: 6000}, (_, at) => entry(from + at))));
    for (const half of halves) registry.put('app', null, half);
    registry.put('app', '1', indexOf(halves.map(describeDocument)));
    assert.is(await code({allPlatforms: true}), 'LIMIT_INDEX_ENTRIES');
    registry.put('app', '1', indexOf([{...entry(1), size: 300 * 1024 * 1024}]));
    assert.is(await code({allPlatforms: true}), 'LIMIT_INDEX_BYTES');
    // A digest cannot be in the bytes that it covers, so an index that names itself can only be a lie about them.
    const lie = {mediaType: OCI_INDEX, digest: entry(7).digest, size: 10};
    const self = indexOf([lie]);
    registry.put('app', null, {...self, digest: lie.digest as `sha256:${string}`});
    registry.put('app', '1', self);
    assert.equal(await both(), ['DIGEST_MISMATCH', 'DIGEST_MISMATCH']);
    registry.put('app', '1', indexOf([]));
    assert.equal(await both(), ['PLATFORM_MISSING', 'PLATFORM_MISSING']);
    assert.equal(await store.toolkit.images.list(), []);
  });
});
