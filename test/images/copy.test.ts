import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type BuiltImage, buildIndex, describeDocument, jsonDocument} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {writeImageLayout} from '../helpers/image-layout.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const amd64 = imageOf([baseTar, appTar]);
const arm64 = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
const multi = buildIndex([amd64, arm64]);

const refersTo = (image: BuiltImage, path: string): BuiltImage =>
  imageOf([buildTar([{path, content: path}])], {
    manifest: {artifactType: 'application/x.signature', subject: describeDocument(image.manifest)},
  });

const documentAt = async (registry: RegistryServer, repository: string, name: string): Promise<Buffer | null> => {
  const reply = await fetch(`${registry.origin}/v2/${repository}/manifests/${name}`);
  return reply.status === 200 ? Buffer.from(await reply.arrayBuffer()) : null;
};

/** What a registry was asked while `work` ran, as `METHOD class`. */
async function requestsOf(registry: RegistryServer, work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = registry.requests.length;
  await work();
  return registry.requests.slice(before).map((request) => `${request.method} ${request.class}`);
}

const sentTo = (registry: RegistryServer): number =>
  registry.requests.reduce((sum, {receivedBytes}) => sum + receivedBytes, 0);

describe('images/copy', ({test}) => {
  test('copies an index with all its images byte for byte, and nothing a second time', async () => {
    await using from = await startRegistry();
    await using to = await startRegistry();
    await using store = await openTestStore();
    from.put('app', '1', multi);
    const {images} = store.toolkit;
    const [source, target] = [`${from.host}/app:1`, `${to.host}/team/app:2`];
    const copied = await images.copy(source, target);
    assert.is(copied.digest, multi.index.digest);
    assert.ok(copied.changed);
    assert.is(copied.copiedBlobs, new Set([...amd64.blobs.keys(), ...arm64.blobs.keys()]).size);
    assert.ok((await documentAt(to, 'team/app', '2'))?.equals(multi.index.bytes));
    for (const {manifest} of [amd64, arm64]) {
      assert.ok((await documentAt(to, 'team/app', manifest.digest))?.equals(manifest.bytes));
    }
    const sentBefore = sentTo(to);
    const asked = await requestsOf(to, async () => {
      const askedFrom = await requestsOf(from, async () => {
        const again = await images.copy(source, target);
        assert.equal([again.changed, again.sentBytes, again.digest], [false, 0, multi.index.digest]);
      });
      assert.equal(askedFrom, ['HEAD manifest']);
    });
    assert.equal(asked, ['HEAD manifest']);
    assert.is(sentTo(to), sentBefore);
  });

  test('mounts blobs from another repository of the same registry', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', multi);
    const copied = await store.toolkit.images.copy(`${registry.host}/app:1`, `${registry.host}/other:1`);
    assert.equal([copied.copiedBlobs, copied.presentBlobs], [0, 0]);
    assert.is(copied.mountedBlobs, new Set([...amd64.blobs.keys(), ...arm64.blobs.keys()]).size);
    assert.ok(registry.requests.every(({method, class: kind}) => kind !== 'blob' || method === 'HEAD'));
  });

  test('copies one platform when one is named, and says which there are', async () => {
    await using from = await startRegistry();
    await using to = await startRegistry();
    await using store = await openTestStore();
    from.put('app', '1', multi);
    const {images} = store.toolkit;
    const copied = await images.copy(`${from.host}/app:1`, `${to.host}/app:1`, {platform: 'linux/arm64'});
    assert.is(copied.digest, arm64.manifest.digest);
    const error = await rejectionOf(images.copy(`${from.host}/app:1`, `${to.host}/app:2`, {platform: 'linux/s390x'}));
    assert.is(error.code, 'PLATFORM_MISSING');
    assert.match(String(Reflect.get(error, 'hint')), /linux\/amd64, linux\/arm64/);
    assert.is(await documentAt(to, 'app', '2'), null);
  });

  test('goes on where the source broke off, and where the target did', async () => {
    const tar = buildTar([{path: 'large', content: Buffer.alloc(24 * 1024 * 1024, 'winch ')}]);
    const large = imageOf([tar], {compression: 'none'});
    const digest = large.layers[0]?.digest ?? '';
    await using from = await startRegistry();
    await using to = await startRegistry();
    await using store = await openTestStore();
    from.put('app', '1', large);
    from.setFaults([{on: 'blob', matching: digest, method: 'GET', truncateAt: 5_000_000, times: 1}]);
    to.setFaults([{on: 'upload', method: 'PATCH', cutRequestAt: 3_000_000, times: 1}]);
    const copied = await store.toolkit.images.copy(`${from.host}/app:1`, `${to.host}/app:1`);
    assert.is(copied.digest, large.manifest.digest);
    const gets = from.requests.filter(({method, url}) => method === 'GET' && url.includes(digest));
    assert.ok(gets.length > 1 && gets.slice(1).every(({headers}) => headers.range), 'the source is asked for the rest');
    const reply = await fetch(`${to.origin}/v2/app/blobs/${digest}`);
    assert.ok(Buffer.from(await reply.arrayBuffer()).equals(tar));
    assert.ok(sentTo(to) < tar.length * 1.5, `${sentTo(to)} bytes sent`);
  });

  test('never gives a name to wrong bytes', async () => {
    await using from = await startRegistry();
    await using to = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    from.put('app', '1', amd64);
    from.setFaults([{on: 'blob', method: 'GET', matching: amd64.layers[0]?.digest ?? '', flipByteAt: 20}]);
    const {images} = store.toolkit;
    const archive = join(directory.path, 'old.tar');
    writeFileSync(archive, 'old');
    for (const target of [
      `${to.host}/app:1`,
      `oci:${directory.path}/layout:1`,
      `oci-archive:${archive}`,
      'store:app:1',
    ]) {
      const error = await rejectionOf(images.copy(`${from.host}/app:1`, target));
      assert.ok(['DIGEST_MISMATCH', 'DIGEST_INVALID'].includes(error.code ?? ''), `${target}: ${error.code}`);
    }
    assert.is(await documentAt(to, 'app', '1'), null);
    assert.not(existsSync(join(directory.path, 'layout/index.json')));
    assert.is(readFileSync(archive, 'utf8'), 'old');
    assert.equal(readdirSync(directory.path).toSorted(), ['layout', 'old.tar']);
    assert.equal(await images.list(), []);
  });

  for (const referrersApi of [true, false]) {
    const how = referrersApi ? 'the referrers API' : 'the tag of referrers';
    test(`copies what refers to an image, to its parts and to that, by ${how}`, async () => {
      await using from = await startRegistry({referrersApi: true});
      await using to = await startRegistry({referrersApi});
      await using store = await openTestStore();
      const signature = refersTo(amd64, 'signature');
      const ofSignature = refersTo(signature, 'signature-of-signature');
      from.put('app', '1', multi);
      for (const image of [signature, ofSignature]) from.put('app', null, image);
      const {images} = store.toolkit;
      const places = [`${from.host}/app:1`, `${to.host}/app:1`] as const;
      await images.copy(...places, {referrers: true});
      for (const {manifest} of [signature, ofSignature]) {
        assert.ok((await documentAt(to, 'app', manifest.digest))?.equals(manifest.bytes));
      }
      const tag = await documentAt(to, 'app', amd64.manifest.digest.replace(':', '-'));
      assert.is(tag?.toString().includes(signature.manifest.digest) ?? false, !referrersApi);
      const sentBefore = sentTo(to);
      const again = await images.copy(...places, {referrers: true});
      assert.equal([again.changed, again.sentBytes], [false, 0]);
      assert.is(sentTo(to), sentBefore);
    });
  }

  test('keeps referrers in a layout and brings them back', async () => {
    await using registry = await startRegistry({referrersApi: true});
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    const signature = refersTo(amd64, 'signature');
    registry.put('app', '1', amd64);
    registry.put('app', null, signature);
    const {images} = store.toolkit;
    const layout = `oci:${directory.path}/layout:app`;
    await images.copy(`${registry.host}/app:1`, layout, {referrers: true});
    await using other = await startRegistry();
    await images.copy(`oci:${directory.path}/layout`, `${other.host}/app:1`, {referrers: true});
    assert.ok(await documentAt(other, 'app', signature.manifest.digest));
    assert.ok((await documentAt(other, 'app', '1'))?.equals(amd64.manifest.bytes));
  });

  test('sends the login of one registry never to the other', async () => {
    await using from = await startRegistry({challenge: 'bearer', users: {reader: 'canary-of-source'}});
    await using to = await startRegistry({challenge: 'basic', users: {writer: 'canary-of-target'}});
    await using store = await openTestStore();
    from.put('app', '1', multi);
    await store.toolkit.images.copy(`${from.host}/app:1`, `${to.host}/app:1`, {
      source: {credential: {username: 'reader', password: 'canary-of-source'}},
      target: {credential: {username: 'writer', password: 'canary-of-target'}},
    });
    const sent = (registry: RegistryServer) => [
      ...new Set(registry.requests.flatMap(({headers}) => headers.authorization ?? [])),
    ];
    const decoded = (values: readonly string[]) =>
      values.map((value) => Buffer.from(value.replace(/^Basic /, ''), 'base64').toString()).join();
    assert.not.match(decoded(sent(from)), /canary-of-target/);
    assert.not.match(decoded(sent(to)), /canary-of-source/);
    assert.equal(
      sent(to).filter((value) => sent(from).includes(value)),
      [],
    );
    assert.match(decoded(sent(to)), /canary-of-target/);
  });

  test('leaves layers alone that registries need not hold, and keeps them in the manifest', async () => {
    await using from = await startRegistry();
    await using to = await startRegistry();
    await using store = await openTestStore();
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: `sha256:${'0'.repeat(64)}`,
      size: 10,
      urls: ['https://layers.invalid/a'],
    };
    const layers = [foreign, ...amd64.layers.map(describeDocument)];
    const image = imageOf([baseTar, appTar], {manifest: {layers}});
    from.put('app', '1', image);
    using directory = makeTemporaryDirectory();
    const {images} = store.toolkit;
    const copied = await images.copy(`${from.host}/app:1`, `oci:${directory.path}/layout:1`);
    assert.is(copied.digest, image.manifest.digest);
    assert.not(from.requests.some(({url}) => url.includes(foreign.digest)));
    assert.is(
      (await rejectionOf(images.copy(`${from.host}/app:1`, `${to.host}/a:1`, {foreign: true}))).code,
      'FOREIGN_LAYER_UNAVAILABLE',
    );
  });

  test('keeps what a layout has, replaces the same name, and is written by several at once', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', 'amd64', amd64);
    registry.put('app', 'arm64', arm64);
    const {images} = store.toolkit;
    const layout = join(directory.path, 'layout');
    writeImageLayout(layout, {kept: amd64});
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => images.copy(`${registry.host}/app:amd64`, `oci:${layout}:${name}`)),
    );
    await images.copy(`${registry.host}/app:arm64`, `oci:${layout}:a`);
    const {manifests} = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
    const names = manifests.map(({annotations, digest}: {annotations: Record<string, string>; digest: string}) => [
      annotations['org.opencontainers.image.ref.name'],
      digest,
    ]);
    assert.equal(
      names.toSorted(),
      [
        ['kept', amd64],
        ['a', arm64],
        ['b', amd64],
        ['c', amd64],
        ['d', amd64],
      ]
        .map(([name, image]) => [name, (image as BuiltImage).manifest.digest])
        .toSorted(),
    );
    assert.equal(
      readdirSync(join(layout, 'blobs/sha256')).filter((name) => name.endsWith('.tmp')),
      [],
    );
    assert.not((await images.copy(`${registry.host}/app:arm64`, `oci:${layout}:a`)).changed);
  });

  test('goes on with the part of a blob that a killed copy left in a layout, unless it is wrong', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', '1', amd64);
    const layout = join(directory.path, 'layout');
    const [kept, wrong] = amd64.layers;
    mkdirSync(join(layout, '.winch-partial'), {recursive: true});
    const partOf = (digest = '') => join(layout, '.winch-partial', digest.replace(':', '-'));
    writeFileSync(partOf(kept?.digest), kept?.bytes.subarray(0, 50) ?? '');
    writeFileSync(partOf(wrong?.digest), Buffer.alloc(50));
    await store.toolkit.images.copy(`${registry.host}/app:1`, `oci:${layout}:1`);
    const rangesOf = (digest = '') =>
      registry.requests
        .filter(({method, url}) => method === 'GET' && url.includes(digest))
        .map(({headers}) => headers.range);
    assert.equal(rangesOf(kept?.digest), ['bytes=50-']);
    assert.equal(rangesOf(wrong?.digest), ['bytes=50-', undefined]);
    assert.equal(readdirSync(layout).toSorted(), ['blobs', 'index.json', 'manifest.json', 'oci-layout']);
    const stored = await store.toolkit.images.copy(`oci:${layout}`, 'store:app:1');
    assert.is(stored.digest, amd64.manifest.digest);
  });

  test('adds to a layout of which other images are damaged or not all there', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', '1', amd64);
    const layout = join(directory.path, 'layout');
    const gone = imageOf([otherTar]);
    writeImageLayout(layout, {damaged: arm64, gone});
    const pathOf = (digest: string) => join(layout, 'blobs/sha256', digest.slice('sha256:'.length));
    writeFileSync(pathOf(arm64.manifest.digest), 'damaged');
    rmSync(pathOf(gone.config.digest));
    const list = join(layout, 'index.json');
    const index = JSON.parse(readFileSync(list, 'utf8'));
    const unnamed = index.manifests.map(({annotations: _, ...entry}: Record<string, unknown>) => entry);
    writeFileSync(list, JSON.stringify({...index, manifests: [...index.manifests, ...unnamed]}));
    await store.toolkit.images.copy(`${registry.host}/app:1`, `oci:${layout}:team/app:1`);
    const entries = JSON.parse(readFileSync(join(layout, 'manifest.json'), 'utf8'));
    assert.equal(
      entries.map(({RepoTags}: {RepoTags: unknown}) => RepoTags),
      [['team/app:1']],
    );
  });

  test('writes anew what is damaged in a layout', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', '1', amd64);
    const layout = join(directory.path, 'layout');
    writeImageLayout(layout, {old: amd64});
    const [layer] = amd64.layers;
    const path = join(layout, 'blobs/sha256', (layer?.digest ?? '').slice('sha256:'.length));
    writeFileSync(path, Buffer.alloc(layer?.bytes.length ?? 0));
    const copied = await store.toolkit.images.copy(`${registry.host}/app:1`, `oci:${layout}:new`);
    assert.is(copied.copiedBlobs, 1);
    assert.ok(layer && readFileSync(path).equals(layer.bytes));
  });

  test('refuses indexes that nest too deep', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', null, amd64);
    let entry = describeDocument(amd64.manifest);
    for (const depth of [1, 2, 3, 4, 5]) {
      const index = jsonDocument(OCI_INDEX, {schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry]});
      registry.put('app', String(depth), index);
      entry = describeDocument(index);
    }
    const {images} = store.toolkit;
    const copy = (tag: string) => images.copy(`${registry.host}/app:${tag}`, `oci:${directory.path}/layout:${tag}`);
    assert.is((await copy('4')).copiedBlobs, amd64.blobs.size);
    assert.is((await rejectionOf(copy('5'))).code, 'LIMIT_INDEX_DEPTH');
  });

  test('refuses for docker what its archives cannot hold, before anything is written', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', 'multi', multi);
    registry.put('app', 'zstd', imageOf([baseTar], {compression: 'zstd'}));
    const {images} = store.toolkit;
    const target = `docker-archive:${directory.path}/a.tar:app:1`;
    const whole = images.copy(`${registry.host}/app:multi`, target, {allPlatforms: true});
    assert.is((await rejectionOf(whole)).code, 'DOCKER_ARCHIVE_UNSUITABLE');
    assert.is((await rejectionOf(images.copy(`${registry.host}/app:zstd`, target))).code, 'DOCKER_ARCHIVE_UNSUITABLE');
    assert.equal(readdirSync(directory.path), []);
    assert.is(
      (await images.copy(`${registry.host}/app:multi`, target, {platform: 'linux/amd64'})).digest,
      amd64.manifest.digest,
    );
  });

  test('warns of media types that other tools do not find in a layout, and keeps them', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    const docker = imageOf([baseTar], {mediaTypes: 'docker'});
    registry.put('app', 'docker', docker);
    registry.put('app', 'oci', amd64);
    const warned: string[] = [];
    const onEvent = (event: WinchEvent) => {
      if (event.type === 'warning:raised') warned.push(event.code);
    };
    const copy = (tag: string, place: string) =>
      store.toolkit.images.copy(`${registry.host}/app:${tag}`, `${place}`, {onEvent});
    assert.is((await copy('docker', `oci:${directory.path}/a:1`)).digest, docker.manifest.digest);
    await copy('oci', `oci:${directory.path}/b:1`);
    await copy('docker', `docker-archive:${directory.path}/c.tar:app:1`);
    assert.equal(warned, ['LAYOUT_DOCKER_TYPES']);
  });

  test('gives equal archives for equal images', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', '1', multi);
    const {images} = store.toolkit;
    for (const name of ['one', 'two'])
      await images.copy(`${registry.host}/app:1`, `oci-archive:${directory.path}/${name}`);
    const [one, two] = ['one', 'two'].map((name) => readFileSync(join(directory.path, name)));
    assert.ok(one && two && one.equals(two));
  });

  test('goes on with what a killed copy left of an archive, and takes none of its damage', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', '1', amd64);
    const blobs = join(directory.path, '.a.tar.winch-partial/blobs/sha256');
    mkdirSync(blobs, {recursive: true});
    const [whole, damaged] = amd64.layers;
    const pathOf = (digest = '') => join(blobs, digest.slice('sha256:'.length));
    writeFileSync(pathOf(whole?.digest), whole?.bytes ?? '');
    writeFileSync(pathOf(damaged?.digest), Buffer.alloc(damaged?.bytes.length ?? 0));
    writeFileSync(pathOf(arm64.config.digest), arm64.config.bytes);
    writeFileSync(`${pathOf(amd64.config.digest)}.0123456789ab.tmp`, 'a part');
    writeFileSync(join(directory.path, '.a.tar.winch-partial/.archive'), 'a part');
    const {images} = store.toolkit;
    const archive = `oci-archive:${directory.path}/a.tar`;
    const packed: unknown[] = [];
    const copied = await images.copy(`${registry.host}/app:1`, archive, {
      onEvent: (event) => {
        if (event.type === 'archive:packing') packed.push([event.archive, event.packedBytes, event.totalBytes]);
      },
    });
    assert.equal([copied.presentBlobs, copied.copiedBlobs], [1, amd64.blobs.size - 1]);
    const bytesInAll = Buffer.concat([amd64.manifest.bytes, ...amd64.blobs.values()]).length;
    assert.equal(packed, [[join(directory.path, 'a.tar'), bytesInAll, bytesInAll]]);
    assert.equal(readdirSync(directory.path), ['a.tar']);
    const bytes = readFileSync(join(directory.path, 'a.tar'));
    assert.not(bytes.includes('.tmp') || bytes.includes(arm64.config.digest.slice('sha256:'.length)));
    assert.is((await images.copy(archive, 'store:app:1')).digest, amd64.manifest.digest);
    symlinkSync(store.root, join(directory.path, '.a.tar.winch-partial'));
    assert.is((await rejectionOf(images.copy(`${registry.host}/app:1`, archive))).code, 'ARCHIVE_PLACE_OCCUPIED');
    const nowhere = images.copy(`${registry.host}/app:1`, `oci-archive:${directory.path}/none/a.tar`);
    assert.is((await rejectionOf(nowhere)).code, 'ARCHIVE_PLACE_MISSING');
  });

  test('stores an archive as a pull does, and moves the tag', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    const {images} = store.toolkit;
    for (const [tag, image] of [
      ['1', amd64],
      ['2', arm64],
    ] as const) {
      registry.put('app', tag, image);
      await images.copy(`${registry.host}/app:${tag}`, `oci-archive:${directory.path}/${tag}.tar`);
    }
    const stored = await images.copy(`oci-archive:${directory.path}/1.tar`, 'store:app:1');
    assert.equal([stored.digest, stored.changed, stored.target], [amd64.manifest.digest, true, 'store:app:1']);
    assert.is((await images.inspect('app:1')).layers[0]?.entries, 2);
    assert.not((await images.copy(`oci-archive:${directory.path}/1.tar`, 'store:app:1')).changed);
    assert.ok((await images.copy(`oci-archive:${directory.path}/2.tar`, 'store:app:1')).changed);
    assert.is((await images.inspect('app:1')).manifestDigest, arm64.manifest.digest);
    assert.equal(readdirSync(join(store.root, 'ingest')), []);
  });

  test('stores all of an index when it is told to, which can be pushed whole', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    writeImageLayout(join(directory.path, 'layout'), {multi});
    const {images} = store.toolkit;
    const stored = await images.copy(`oci:${directory.path}/layout:multi`, 'store:app:1', {allPlatforms: true});
    assert.is(stored.digest, multi.index.digest);
    assert.is((await images.push('app:1', {destination: `${registry.host}/app:1`})).digest, multi.index.digest);
    assert.ok((await documentAt(registry, 'app', '1'))?.equals(multi.index.bytes));
    const file = join(directory.path, 'file');
    writeFileSync(file, '');
    assert.is((await rejectionOf(images.copy('store:app:1', `oci:${file}:1`))).code, 'LAYOUT_UNUSABLE');
  });

  test('stops when it is told to, and leaves nothing half-done', async () => {
    await using registry = await startRegistry({faults: [{on: 'blob', method: 'GET', hang: true}]});
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', '1', amd64);
    for (const target of [`oci-archive:${directory.path}/a.tar`, `${registry.host}/other:1`]) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const onEvent = (event: WinchEvent) => {
        if (event.type === 'upload:started') controller.abort(reason);
      };
      const isMount = target.startsWith(registry.host);
      if (isMount) controller.abort(reason);
      const copying = store.toolkit.images.copy(`${registry.host}/app:1`, target, {signal: controller.signal, onEvent});
      assert.is(await rejectionOf(copying), reason);
    }
    assert.equal(readdirSync(directory.path), []);
    assert.is(await documentAt(registry, 'other', '1'), null);
  });
});

describe('images/push', ({test}) => {
  test('sends a stored image to its registry, or to where it is told', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', multi);
    const {images} = store.toolkit;
    await images.pull(`${registry.host}/app:1`, {platform: 'linux/amd64'});
    const destination = `${registry.host}/pushed:1`;
    const pushed = await images.push(`${registry.host}/app:1`, {destination});
    assert.is(pushed.digest, amd64.manifest.digest);
    assert.is(pushed.mountedBlobs, amd64.blobs.size);
    const [imageId] = [(await images.inspect(`${registry.host}/app:1`)).imageId];
    assert.is((await images.push(imageId, {destination: `${registry.host}/by-id:1`})).digest, amd64.manifest.digest);
    assert.is((await rejectionOf(images.push(imageId))).code, 'PUSH_NAME_MISSING');
    assert.is((await rejectionOf(images.push('nothing:1'))).code, 'IMAGE_UNKNOWN');
  });

  test('sends an index that is all there, and says which platforms are not', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('app', '1', multi);
    const {images} = store.toolkit;
    const name = `${registry.host}/app:1`;
    const destination = `${registry.host}/whole:1`;
    await images.pull(name, {platform: 'linux/amd64'});
    const error = await rejectionOf(images.push(name, {destination, allPlatforms: true}));
    assert.is(error.code, 'PLATFORMS_MISSING');
    assert.match(error.message, /linux\/arm64/);
    await images.pull(name, {platform: 'linux/amd64', allPlatforms: true});
    assert.is((await images.push(name, {destination})).digest, multi.index.digest);
    const arm = await images.push(name, {destination: `${registry.host}/arm:1`, platform: 'linux/arm64'});
    assert.is(arm.digest, arm64.manifest.digest);
    assert.equal(await images.listPushable(`${registry.host}/app`), [name]);
  });

  test('does not send damaged bytes of the store', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    using directory = makeTemporaryDirectory();
    registry.put('app', '1', amd64);
    const {images} = store.toolkit;
    const name = `${registry.host}/app:1`;
    await images.pull(name, {platform: 'linux/amd64'});
    const layer = join(store.root, 'blobs/sha256', (amd64.layers[0]?.digest ?? '').slice('sha256:'.length));
    const bytes = readFileSync(layer);
    bytes[20] = ~(bytes[20] ?? 0);
    writeFileSync(layer, bytes);
    await using other = await startRegistry();
    const pushing = images.push(name, {destination: `${other.host}/app:1`});
    assert.is((await rejectionOf(pushing)).code, 'DIGEST_INVALID');
    const packing = images.copy(`store:${name}`, `docker-archive:${directory.path}/a.tar:app:1`);
    assert.is((await rejectionOf(packing)).code, 'STORE_CORRUPT');
    assert.equal(readdirSync(directory.path), []);
  });
});
