import {gzipSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {buildImage, describeDocument} from '../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {dockerSaveEntries, hexOf, openDockerArchive, plainImage, readBlob} from './archive-lab.ts';
import {HOSTILE_ARCHIVES} from './hostile-archives.ts';

const manifestEntry = (value: unknown): TarEntry => ({path: 'manifest.json', content: JSON.stringify(value)});
const withoutManifest = dockerSaveEntries().filter(({path}) => path !== 'manifest.json');

const refusal = async (entries: readonly TarEntry[]) => {
  using directory = makeTemporaryDirectory();
  return await rejectionOf(openDockerArchive({directory: directory.path, bytes: buildTar(entries)}));
};

describe('media/docker-archive', ({test}) => {
  test('makes a manifest of what docker save wrote, with the blobs as they are', async () => {
    using directory = makeTemporaryDirectory();
    const source = await openDockerArchive({directory: directory.path, bytes: buildTar(dockerSaveEntries())});
    const {document} = await source.root({});
    assert.ok(document.kind === 'manifest');
    if (document.kind !== 'manifest') return;
    assert.is(document.config.digest, plainImage.config.digest);
    assert.equal(
      document.layers.map(({digest, size}) => [digest, size]),
      plainImage.layers.map(({digest, bytes}) => [digest, bytes.length]),
    );
    for (const [at, layer] of document.layers.entries()) {
      assert.ok((await readBlob(source, layer)).equals(plainImage.layers[at]?.bytes ?? Buffer.alloc(0)));
      assert.ok(
        (await readBlob(source, layer, 512)).equals(plainImage.layers[at]?.bytes.subarray(512) ?? Buffer.alloc(0)),
      );
    }
    await source.close();
  });

  test('describes layers that are packed by gzip as they are', async () => {
    using directory = makeTemporaryDirectory();
    const image = buildImage({layers: [buildTar([{path: 'a', content: 'a'}])], compression: 'gzip'});
    const source = await openDockerArchive({directory: directory.path, bytes: buildTar(dockerSaveEntries(image))});
    const {document} = await source.root({});
    assert.is(document.kind === 'manifest' && document.layers[0]?.digest, image.layers[0]?.digest);
    assert.match(String(document.kind === 'manifest' && document.layers[0]?.mediaType), /\+gzip$/);
    await source.close();
  });

  test('follows the links within the archive by which docker save shares layers', async () => {
    using directory = makeTemporaryDirectory();
    const image = buildImage({layers: [buildTar([{path: 'a', content: 'a'}])], compression: 'none'});
    const [layer] = image.layers;
    const hex = hexOf(image.config.digest);
    const entries: readonly TarEntry[] = [
      {path: 'first/layer.tar', content: layer?.bytes ?? ''},
      {path: 'second/layer.tar', type: 'symlink', linkPath: '../first/layer.tar'},
      {path: `${hex}.json`, content: image.config.bytes},
      manifestEntry([{Config: `${hex}.json`, RepoTags: null, Layers: ['second/layer.tar']}]),
    ];
    const source = await openDockerArchive({directory: directory.path, bytes: buildTar(entries)});
    const {document} = await source.root({});
    assert.is(document.kind === 'manifest' && document.layers[0]?.digest, layer?.digest);
    await source.close();
  });

  test('reads an archive that is packed as a whole', async () => {
    using directory = makeTemporaryDirectory();
    const bytes = gzipSync(buildTar(dockerSaveEntries()));
    const source = await openDockerArchive({directory: directory.path, bytes});
    const {document} = await source.root({});
    assert.is(document.kind === 'manifest' && document.config.digest, plainImage.config.digest);
    await source.close();
  });

  test('reads what docker save has written since version 25 as the layout that it is', async () => {
    using directory = makeTemporaryDirectory();
    const image = buildImage({layers: [buildTar([{path: 'a', content: 'a'}])]});
    const blob = (digest: string, content: Buffer): TarEntry => ({path: `blobs/sha256/${hexOf(digest)}`, content});
    const name = {'io.containerd.image.name': 'docker.io/team/app:1', 'org.opencontainers.image.ref.name': '1'};
    const index = {schemaVersion: 2, manifests: [{...describeDocument(image.manifest), annotations: name}]};
    const entries: readonly TarEntry[] = [
      blob(image.manifest.digest, image.manifest.bytes),
      ...[...image.blobs].map(([digest, bytes]) => blob(digest, bytes)),
      {path: 'index.json', content: JSON.stringify(index)},
      {path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}'},
      manifestEntry([{Config: `blobs/sha256/${hexOf(image.config.digest)}`, RepoTags: ['team/app:1'], Layers: []}]),
    ];
    const selection = {by: 'name', name: 'team/app:1'} as const;
    const source = await openDockerArchive({directory: directory.path, bytes: buildTar(entries), selection});
    assert.is(await source.rootDigest({}), image.manifest.digest);
    await source.close();
  });

  test('lists the names of several images, and takes the one that is named', async () => {
    using directory = makeTemporaryDirectory();
    const other = buildImage({layers: [buildTar([{path: 'c', content: 'c'}])], compression: 'none'});
    const [one, two] = [plainImage, other].map((image) => ({
      Config: `${hexOf(image.config.digest)}.json`,
      RepoTags: [image === other ? 'other:2' : 'app:1'],
      Layers: image.layers.map(({digest}) => `${hexOf(digest)}/layer.tar`),
    }));
    const rest = dockerSaveEntries(other).filter(({path}) => path !== 'manifest.json');
    const bytes = buildTar([...withoutManifest, ...rest, manifestEntry([one, two])]);
    const error = await rejectionOf(openDockerArchive({directory: directory.path, bytes}));
    assert.is(error.code, 'IMAGE_AMBIGUOUS');
    assert.match(String(Reflect.get(error, 'hint')), /app:1.*other:2/);
    const selection = {by: 'name', name: 'other:2'} as const;
    const source = await openDockerArchive({directory: directory.path, bytes, selection});
    const {document} = await source.root({});
    assert.is(document.kind === 'manifest' && document.config.digest, other.config.digest);
    await source.close();
  });

  for (const [what, entries, code] of HOSTILE_ARCHIVES) {
    test(`${what.replace(/^(M15 )?/, '$1refuses ')}`, async () => assert.is((await refusal(entries)).code, code));
  }
});
