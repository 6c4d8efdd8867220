import {mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildIndex, describeDocument, jsonDocument} from '../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {openDirectoryFiles} from '../../src/media/file-set.ts';
import {openLayoutSource} from '../../src/media/layout-source.ts';
import type {Selection} from '../../src/media/location.ts';
import {writeImageLayout} from '../helpers/image-layout.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {appTar, baseTar, imageOf, otherTar} from '../images/sample-images.ts';
import {hexOf, openOciArchive, readBlob} from './archive-lab.ts';

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const amd64 = imageOf([baseTar, appTar]);
const arm64 = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
const multi = buildIndex([amd64, arm64]);

const open = (directory: string, selection: Selection | null = null) =>
  openLayoutSource({name: `oci:${directory}`, files: openDirectoryFiles(directory), selection}, {});
const byName = (name: string): Selection => ({by: 'name', name});

/** Rewrites the list of a layout's images. */
function listImages(directory: string, manifests: readonly unknown[]): void {
  writeFileSync(join(directory, 'index.json'), JSON.stringify({schemaVersion: 2, manifests}));
}

describe('media/layouts', ({test}) => {
  test('finds an image by its name, and the only one without', async () => {
    using directory = makeTemporaryDirectory();
    writeImageLayout(directory.path, {one: amd64, all: multi});
    assert.is(await (await open(directory.path, byName('one'))).rootDigest({}), amd64.manifest.digest);
    assert.is(await (await open(directory.path, byName('all'))).rootDigest({}), multi.index.digest);
    assert.is(await (await open(directory.path, {by: 'position', position: 1})).rootDigest({}), multi.index.digest);
    listImages(directory.path, [describeDocument(multi.index)]);
    assert.is(await (await open(directory.path)).rootDigest({}), multi.index.digest);
  });

  test('lists the names that are there when none is given, or another', async () => {
    using directory = makeTemporaryDirectory();
    writeImageLayout(directory.path, {one: amd64, all: multi});
    const several = await rejectionOf((await open(directory.path)).root({}));
    assert.is(several.code, 'IMAGE_AMBIGUOUS');
    assert.match(String(Reflect.get(several, 'hint')), /one.*all/);
    const none = await rejectionOf((await open(directory.path, byName('two'))).root({}));
    assert.is(none.code, 'IMAGE_UNKNOWN');
    assert.match(String(Reflect.get(none, 'hint')), /one.*all/);
  });

  test('takes a flat list of platforms for the index that it is (skopeo#2463)', async () => {
    using directory = makeTemporaryDirectory();
    writeImageLayout(directory.path, {one: amd64, two: arm64});
    listImages(
      directory.path,
      [amd64, arm64].map((image) => ({
        ...describeDocument(image.manifest),
        platform: image.platform,
        annotations: {'org.opencontainers.image.ref.name': 'app'},
      })),
    );
    const {document} = await (await open(directory.path, byName('app'))).root({});
    assert.ok(document.kind === 'index');
    if (document.kind === 'index') {
      assert.equal(
        document.manifests.map(({digest}) => digest),
        [amd64.manifest.digest, arm64.manifest.digest],
      );
    }
  });

  test('reads a blob from any offset', async () => {
    using directory = makeTemporaryDirectory();
    writeImageLayout(directory.path, {one: amd64});
    const source = await open(directory.path);
    const [layer] = amd64.layers;
    const bytes = layer?.bytes ?? Buffer.alloc(0);
    const descriptor = {...describeDocument(layer ?? amd64.config)};
    assert.ok((await readBlob(source, descriptor, 7)).equals(bytes.subarray(7)));
    assert.is((await readBlob(source, descriptor, bytes.length)).length, 0);
  });

  test('finds what refers to an image among the unnamed and under the tag of referrers', async () => {
    using directory = makeTemporaryDirectory();
    const signature = imageOf([otherTar], {
      manifest: {artifactType: 'application/x.signature', subject: describeDocument(amd64.manifest)},
    });
    const list = jsonDocument(OCI_INDEX, {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [describeDocument(signature.manifest)],
    });
    writeImageLayout(directory.path, {one: amd64, signature});
    writeFileSync(join(directory.path, 'blobs/sha256', hexOf(list.digest)), list.bytes);
    const [one, unnamed] = [describeDocument(amd64.manifest), describeDocument(signature.manifest)];
    const tag = {'org.opencontainers.image.ref.name': amd64.manifest.digest.replace(':', '-')};
    for (const entries of [
      [one, unnamed],
      [one, {...describeDocument(list), annotations: tag}],
    ]) {
      listImages(directory.path, entries);
      const source = await open(directory.path, {by: 'position', position: 0});
      const referrers = await source.referrers(amd64.manifest.digest, {});
      assert.equal(
        referrers.map(({digest}) => digest),
        [signature.manifest.digest],
      );
    }
    listImages(directory.path, [one, unnamed]);
    assert.is(await (await open(directory.path)).rootDigest({}), amd64.manifest.digest);
  });

  test('reads an archive with and without ./ before its paths', async () => {
    for (const prefix of ['', './']) {
      using directory = makeTemporaryDirectory();
      const entries = layoutEntries(prefix);
      const source = await openOciArchive({directory: directory.path, bytes: buildTar(entries)});
      assert.is(await source.rootDigest({}), amd64.manifest.digest);
      const [layer] = amd64.layers;
      assert.ok(layer && (await readBlob(source, describeDocument(layer))).equals(layer.bytes));
      await source.close();
    }
  });

  test('M15 refuses a blob that is a link to a file outside', async () => {
    using directory = makeTemporaryDirectory();
    writeImageLayout(directory.path, {one: amd64});
    const [layer] = amd64.layers;
    const path = join(directory.path, 'blobs/sha256', hexOf(layer?.digest ?? ''));
    rmSync(path);
    symlinkSync('/etc/hostname', path);
    const source = await open(directory.path);
    assert.is((await rejectionOf(readBlob(source, describeDocument(layer ?? amd64.config)))).code, 'FILE_UNUSABLE');
  });

  test('M15 refuses an archive whose blob is a link to a file outside', async () => {
    using directory = makeTemporaryDirectory();
    const [layer] = amd64.layers;
    const path = `blobs/sha256/${hexOf(layer?.digest ?? '')}`;
    const entries = layoutEntries('').map((entry) =>
      entry.path === path ? ({path, type: 'symlink', linkPath: '../../../etc/shadow'} as const) : entry,
    );
    const source = await openOciArchive({directory: directory.path, bytes: buildTar(entries)});
    assert.is((await rejectionOf(readBlob(source, describeDocument(layer ?? amd64.config)))).code, 'ARCHIVE_INVALID');
    await source.close();
  });

  test('M15 refuses an index.json above 4 MiB before it is read', async () => {
    using directory = makeTemporaryDirectory();
    writeImageLayout(directory.path, {one: amd64});
    truncateSync(join(directory.path, 'index.json'), 2 ** 31);
    assert.is((await rejectionOf(open(directory.path))).code, 'LIMIT_FILE');
  });

  test('refuses a manifest whose bytes are not its digest', async () => {
    using directory = makeTemporaryDirectory();
    writeImageLayout(directory.path, {one: amd64});
    const path = join(directory.path, 'blobs/sha256', hexOf(amd64.manifest.digest));
    writeFileSync(path, readFileSync(path, 'utf8').replace('"schemaVersion":2', '"schemaVersion":3'));
    assert.is((await rejectionOf((await open(directory.path)).root({}))).code, 'DIGEST_MISMATCH');
  });

  test('says that a directory is no layout, and that a blob is missing', async () => {
    using directory = makeTemporaryDirectory();
    assert.is((await rejectionOf(open(join(directory.path, 'none')))).code, 'LAYOUT_MISSING');
    mkdirSync(join(directory.path, 'x'));
    assert.is((await rejectionOf(open(join(directory.path, 'x')))).code, 'LAYOUT_MISSING');
    writeImageLayout(directory.path, {one: amd64});
    const path = join(directory.path, 'blobs/sha256', hexOf(amd64.config.digest));
    renameSync(path, `${path}.gone`);
    const source = await open(directory.path);
    assert.is((await rejectionOf(readBlob(source, describeDocument(amd64.config)))).code, 'BLOB_UNKNOWN');
  });
});

/** The files of a layout with one image. */
function layoutEntries(prefix: string): readonly TarEntry[] {
  const blob = (digest: string, content: Buffer): TarEntry => ({
    path: `${prefix}blobs/sha256/${hexOf(digest)}`,
    content,
  });
  const index = {schemaVersion: 2, manifests: [describeDocument(amd64.manifest)]};
  return [
    ...(prefix === '' ? [] : [{path: './', type: 'directory'} as const]),
    {path: `${prefix}oci-layout`, content: '{"imageLayoutVersion":"1.0.0"}'},
    {path: `${prefix}index.json`, content: JSON.stringify(index)},
    blob(amd64.manifest.digest, amd64.manifest.bytes),
    ...[...amd64.blobs].map(([digest, bytes]) => blob(digest, bytes)),
  ];
}
