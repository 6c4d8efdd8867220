import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../../fixtures/build-image.ts';
import {type RegistryServer, startRegistry} from '../../../fixtures/registry-server.ts';
import type {SaveOptions} from '../../../src/images/archives/save.ts';
import {openStore} from '../../../src/store/store.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {findProgram} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {appTar, baseTar, imageOf, otherTar} from '../sample-images.ts';

const amd64 = imageOf([baseTar, appTar]);
const arm64 = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
const multi = buildIndex([amd64, arm64]);
const zstd = imageOf([baseTar, otherTar], {compression: 'zstd'});
const noTools = ['skopeo', 'umoci'].some((name) => findProgram(name) === null);

interface Lab extends AsyncDisposable {
  readonly registry: RegistryServer;
  readonly store: TestStore;
  readonly directory: string;
  /** Writes an archive and says where. */
  save(names: readonly string[], options?: SaveOptions): Promise<string>;
}

async function openLab(): Promise<Lab> {
  const [registry, store, directory] = [await startRegistry(), await openTestStore(), makeTemporaryDirectory()];
  registry.put('team/app', '1', amd64);
  registry.put('team/multi', '1', multi);
  registry.put('team/zstd', '2', zstd);
  const {images} = store.toolkit;
  await images.pull(`${registry.host}/team/app:1`);
  await images.pull(`${registry.host}/team/zstd:2`);
  let archives = 0;
  return {
    registry,
    store,
    directory: directory.path,
    save: async (names, options) => {
      const path = join(directory.path, `${archives++}.tar`);
      const archive = await images.save(names, options);
      try {
        writeFileSync(path, await buffer(archive.content));
      } finally {
        await archive.close();
      }
      return path;
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

const readJson = async (archive: string, path: string) =>
  JSON.parse(await requireProgram('tar', ['-xOf', archive, path]));

describe('images/archives/save', ({test}) => {
  test('writes an image of which another store gets the same digest', async () => {
    await using lab = await openLab();
    const path = await lab.save([`${lab.registry.host}/team/app:1`]);
    await using other = await openTestStore();
    const copied = await other.toolkit.images.copy(`oci-archive:${path}`, 'store:app:1');
    assert.is(copied.digest, amd64.manifest.digest);
    const equal = await lab.save([`${lab.registry.host}/team/app:1`]);
    await requireProgram('cmp', [path, equal]);
  });

  test('writes several images with their names, and shared blobs once', async () => {
    await using lab = await openLab();
    const {images} = lab.store.toolkit;
    await images.tag(`${lab.registry.host}/team/app:1`, 'other:1');
    const names = [`${lab.registry.host}/team/app:1`, 'other:1', `${lab.registry.host}/team/zstd:2`];
    const path = await lab.save(names);
    const index = await readJson(path, 'index.json');
    assert.equal(
      index.manifests.map(({digest, annotations}: {digest: string; annotations: Record<string, string>}) => [
        digest,
        annotations['org.opencontainers.image.ref.name'],
        annotations['io.containerd.image.name'],
      ]),
      [
        [amd64.manifest.digest, names[0], names[0]],
        [amd64.manifest.digest, 'other:1', 'docker.io/library/other:1'],
        [zstd.manifest.digest, '2', names[2]],
      ],
    );
    const docker = await readJson(path, 'manifest.json');
    assert.equal(
      docker.map(({RepoTags}: {RepoTags: unknown}) => RepoTags),
      [[names[0], 'other:1']],
    );
    const listed = (await requireProgram('tar', ['-tf', path])).trim().split('\n');
    assert.is(new Set(listed).size, listed.length);
    assert.equal(listed.slice(0, 3), ['oci-layout', 'index.json', 'manifest.json']);
  });

  test('writes all platforms when they are stored, and one when it is named', async () => {
    await using lab = await openLab();
    const {images} = lab.store.toolkit;
    const name = `${lab.registry.host}/team/multi:1`;
    await images.pull(name);
    const missing = await rejectionOf(images.save([name], {allPlatforms: true}));
    assert.is(missing.code, 'PLATFORMS_MISSING');
    await images.pull(name, {allPlatforms: true});
    const whole = await readJson(await lab.save([name]), 'index.json');
    assert.is(whole.manifests[0].digest, multi.index.digest);
    const one = await readJson(await lab.save([name], {platform: 'linux/arm64'}), 'index.json');
    assert.is(one.manifests[0].digest, arm64.manifest.digest);
  });

  test('refuses what is not stored, and what docker cannot load, before a byte is written', async () => {
    await using lab = await openLab();
    const {images} = lab.store.toolkit;
    assert.is((await rejectionOf(images.save([`${lab.registry.host}/team/app:1`, 'nothing']))).code, 'IMAGE_UNKNOWN');
    const unsuitable = images.save([`${lab.registry.host}/team/zstd:2`], {format: 'docker-archive'});
    assert.is((await rejectionOf(unsuitable)).code, 'DOCKER_ARCHIVE_UNSUITABLE');
  });

  test('writes no layout into a store, its own or another, and leaves that as it was', async () => {
    await using lab = await openLab();
    await using other = await openTestStore();
    const name = `${lab.registry.host}/team/app:1`;
    await other.toolkit.images.load(await lab.save([name]));
    for (const {root} of [lab.store, other]) {
      const before = readdirSync(root, {recursive: true}).length;
      const index = readFileSync(join(root, 'index.json'), 'utf8');
      const saved = lab.store.toolkit.images.saveDirectory({names: [name], directory: root});
      assert.is((await rejectionOf(saved)).code, 'LAYOUT_UNUSABLE');
      assert.is(readdirSync(root, {recursive: true}).length, before);
      assert.is(readFileSync(join(root, 'index.json'), 'utf8'), index);
    }
  });

  test('loads what another store holds from its directory', async () => {
    await using lab = await openLab();
    await using other = await openTestStore();
    const loaded = await other.toolkit.images.load(lab.store.root);
    assert.equal(
      loaded.map(({names, digest}) => [names, digest]),
      [
        [[`${lab.registry.host}/team/app:1`], amd64.manifest.digest],
        [[`${lab.registry.host}/team/zstd:2`], zstd.manifest.digest],
      ],
    );
  });

  test('ends without an end of the archive when a stored blob is damaged', async () => {
    await using lab = await openLab();
    const {paths} = openStore({root: lab.store.root, durability: 'fast'});
    const [layer] = amd64.layers;
    if (!layer) throw new Error('the image has layers');
    writeFileSync(paths.blob(layer.digest), Buffer.alloc(layer.bytes.length));
    const error = await rejectionOf(lab.save([`${lab.registry.host}/team/app:1`]));
    assert.is(error.code, 'STORE_CORRUPT');
    assert.match(error.message, new RegExp(layer.digest));
  });

  test('frees nothing of what it writes until it is closed', async () => {
    await using lab = await openLab();
    const {images} = lab.store.toolkit;
    const name = `${lab.registry.host}/team/app:1`;
    const archive = await images.save([name]);
    const second = await lab.store.open();
    await second.images.remove([name]);
    assert.ok((await buffer(archive.content)).includes(amd64.config.bytes));
    await archive.close();
  });

  if (noTools) return;

  test('writes archives and directories that skopeo and umoci read with equal digests', async () => {
    await using lab = await openLab();
    const {images} = lab.store.toolkit;
    const name = `${lab.registry.host}/team/app:1`;
    const digestIn = async (place: string) =>
      (await requireProgram('skopeo', ['inspect', '--format', '{{.Digest}}', place])).trim();
    assert.is(await digestIn(`oci-archive:${await lab.save([name])}`), amd64.manifest.digest);
    const docker = `docker-archive:${await lab.save([name], {format: 'docker-archive'})}:${name}`;
    const config = await requireProgram('skopeo', ['inspect', '--config', '--raw', docker]);
    assert.is(config, amd64.config.bytes.toString());
    const layout = join(lab.directory, 'layout');
    await images.saveDirectory({names: [name, `${lab.registry.host}/team/zstd:2`], directory: layout});
    assert.is(await digestIn(`oci:${layout}:${name}`), amd64.manifest.digest);
    assert.is(await digestIn(`oci:${layout}:${lab.registry.host}/team/zstd:2`), zstd.manifest.digest);
    const stat = await requireProgram('umoci', ['stat', '--json', '--image', `${layout}:${name}`]);
    assert.match(stat, /history/);
  });
});
