import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../../fixtures/build-image.ts';
import type {SaveOptions} from '../../../src/images/archives/save.ts';
import {writeImageLayout} from '../../helpers/image-layout.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {findProgram} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {hexOf} from '../../media/archive-lab.ts';
import {appTar, baseTar, imageOf, otherTar} from '../sample-images.ts';

const TOOLS = ['skopeo', 'umoci', 'oci-image-tool'];
const missing = TOOLS.filter((name) => findProgram(name) === null);
const skip = missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined;

const app = imageOf([baseTar, appTar]);
const arm64 = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
const multi = buildIndex([app, arm64]);
const [APP, ALIAS, MULTI] = ['docker.io/team/app:1', 'docker.io/team/alias:1', 'docker.io/team/multi:2'];

interface Lab extends AsyncDisposable {
  readonly store: TestStore;
  readonly directory: string;
}

/** A store with these images, loaded from a layout that `prepare` may change first. */
async function openLab(prepare = (_layout: string) => {}): Promise<Lab> {
  const [store, directory] = [await openTestStore(), makeTemporaryDirectory()];
  const layout = join(directory.path, 'given');
  writeImageLayout(layout, {[APP]: app, [MULTI]: multi});
  prepare(layout);
  await store.toolkit.images.load(layout);
  await store.toolkit.images.tag(APP, ALIAS);
  return {
    store,
    directory: directory.path,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

async function save({store, directory}: Lab, names: readonly string[], options?: SaveOptions): Promise<string> {
  const path = join(directory, `${options?.format ?? 'oci-archive'}.tar`);
  const archive = await store.toolkit.images.save(names, options);
  writeFileSync(path, await buffer(archive.content));
  await archive.close();
  return path;
}

const skopeoDigest = async (place: string) =>
  (await requireProgram('skopeo', ['inspect', '--override-arch', 'amd64', '--format', '{{.Digest}}', place])).trim();
const skopeoConfig = (place: string, architecture = 'amd64') =>
  requireProgram('skopeo', ['inspect', '--override-arch', architecture, '--config', '--raw', place]);
const umociTags = async (layout: string) =>
  (await requireProgram('umoci', ['ls', '--layout', layout])).trim().split('\n').toSorted();

describe('images/archives/interop', ({test: declare}) => {
  const test = (title: string, body: () => Promise<void>) => declare(title, body, {skip});

  test('the store is a layout for skopeo and umoci, whatever becomes of its tags', async () => {
    await using lab = await openLab();
    const {root, toolkit} = lab.store;
    assert.is(await skopeoDigest(`oci:${root}:${APP}`), app.manifest.digest);
    assert.is(await skopeoDigest(`oci:${root}:${MULTI}`), multi.index.digest);
    assert.is(await skopeoConfig(`oci:${root}:${MULTI}`, 'arm64'), arm64.config.bytes.toString());
    const copy = join(lab.directory, 'copy');
    await requireProgram('skopeo', ['copy', '--all', '--quiet', `oci:${root}:${MULTI}`, `oci:${copy}:multi`]);
    assert.is(await skopeoDigest(`oci:${copy}:multi`), multi.index.digest);
    const bundle = join(lab.directory, 'bundle');
    await requireProgram('umoci', ['unpack', '--rootless', '--image', `${root}:${ALIAS}`, bundle]);
    assert.is(readFileSync(join(bundle, 'rootfs', 'bin', 'tool'), 'utf8'), 'newer tool');

    assert.equal(await umociTags(root), [ALIAS, APP, MULTI]);
    await toolkit.images.untag([APP]);
    await toolkit.images.tag(ALIAS, 'other');
    assert.equal(await umociTags(root), ['docker.io/library/other:latest', ALIAS, MULTI]);
    await toolkit.images.remove(['other', ALIAS, MULTI]);
    await toolkit.images.prune({all: true});
    assert.equal(
      readdirSync(root).filter((name) => /index|layout/.test(name)),
      [],
    );
  });

  test('the store shows skopeo the one platform of an index that it has', async () => {
    await using lab = await openLab((layout) => rmSync(join(layout, 'blobs', 'sha256', hexOf(arm64.manifest.digest))));
    const place = `oci:${lab.store.root}:${MULTI}`;
    assert.is(await skopeoDigest(place), multi.index.digest);
    assert.is(await skopeoConfig(place), app.config.bytes.toString());
    const copy = join(lab.directory, 'copy');
    const options = ['copy', '--override-arch', 'amd64', '--quiet', place, `dir:${copy}`];
    await requireProgram('skopeo', options);
    assert.is(readFileSync(join(copy, 'manifest.json'), 'utf8'), app.manifest.bytes.toString());
  });

  test('an archive of several images and all their tags is read by each of them', async () => {
    await using lab = await openLab();
    const path = await save(lab, [APP, ALIAS, MULTI]);
    assert.is(await skopeoDigest(`oci-archive:${path}:team/app:1`), app.manifest.digest);
    assert.is(await skopeoDigest(`oci-archive:${path}:team/alias:1`), app.manifest.digest);
    assert.is(await skopeoDigest(`oci-archive:${path}:2`), multi.index.digest);
    const layout = join(lab.directory, 'unpacked');
    mkdirSync(layout);
    await requireProgram('tar', ['-xf', path, '-C', layout]);
    // Of archives it refuses all, those of skopeo as well: it takes what ends its search for a failure.
    await requireProgram('oci-image-tool', ['validate', '--type', 'image', layout]);
    assert.equal(await umociTags(layout), ['2', 'team/alias:1', 'team/app:1']);
  });

  test('a directory is read by each of them', async () => {
    await using lab = await openLab();
    const layout = join(lab.directory, 'layout');
    await lab.store.toolkit.images.saveDirectory({names: [APP, ALIAS], directory: layout});
    await requireProgram('oci-image-tool', ['validate', '--type', 'image', layout]);
    assert.equal(await umociTags(layout), ['team/alias:1', 'team/app:1']);
    assert.is(await skopeoDigest(`oci:${layout}:team/app:1`), app.manifest.digest);
  });

  test('an archive for docker has its images by all their tags', async () => {
    await using lab = await openLab();
    const path = await save(lab, [APP, ALIAS, MULTI], {format: 'docker-archive', platform: 'linux/amd64'});
    for (const name of ['team/app:1', 'team/alias:1', 'team/multi:2']) {
      assert.is(await skopeoConfig(`docker-archive:${path}:${name}`), app.config.bytes.toString());
    }
  });

  test('what umoci made has the same digest in the store, and in what skopeo copies from there', async () => {
    await using lab = await openLab();
    const layout = join(lab.directory, 'umoci');
    const image = `${layout}:team/made:1`;
    const content = join(lab.directory, 'content');
    writeFileSync(content, 'made by umoci');
    await requireProgram('umoci', ['init', '--layout', layout]);
    await requireProgram('umoci', ['new', '--image', image]);
    await requireProgram('umoci', ['insert', '--rootless', '--image', image, content, '/made']);
    await requireProgram('umoci', ['config', '--image', image, '--config.cmd', '/made']);
    const [loaded] = await lab.store.toolkit.images.load(layout);
    assert.equal([loaded?.names, loaded?.digest], [['team/made:1'], await skopeoDigest(`oci:${image}`)]);
    const archive = join(lab.directory, 'skopeo.tar');
    const source = `oci:${lab.store.root}:docker.io/team/made:1`;
    await requireProgram('skopeo', ['copy', '--quiet', source, `oci-archive:${archive}:team/copied:1`]);
    const [copied] = await lab.store.toolkit.images.load(archive);
    assert.equal([copied?.names, copied?.digest], [['team/copied:1'], loaded?.digest]);
  });
});
