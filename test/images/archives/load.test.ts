import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import {Readable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import {gzipSync, zstdCompressSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {type BuiltImage, buildIndex, describeDocument, jsonDocument} from '../../../fixtures/build-image.ts';
import {buildTar} from '../../../fixtures/build-tar.ts';
import type {WinchEvent} from '../../../src/events.ts';
import type {Toolkit} from '../../../src/toolkit.ts';
import {writeImageLayout} from '../../helpers/image-layout.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {findProgram} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {dockerSaveEntries, hexOf, layoutEntries, plainImage} from '../../media/archive-lab.ts';
import {HOSTILE_ARCHIVES} from '../../media/hostile-archives.ts';
import {appTar, baseTar, imageOf, otherTar} from '../sample-images.ts';

const amd64 = imageOf([baseTar, appTar]);
const arm64 = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
const multi = buildIndex([amd64, arm64]);
const FULL_NAME = 'io.containerd.image.name';
const packedBy = (program: string) => (bytes: Buffer) => spawnSync(program, ['-c'], {input: bytes}).stdout;
const noTools = ['skopeo', 'umoci'].some((name) => findProgram(name) === null);

const streamOf = (bytes: Buffer) => Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]);
const dockerArchive = (image: BuiltImage = plainImage, tags: readonly string[] | null = ['app:1']) =>
  buildTar(dockerSaveEntries(image, tags));
const digestOf = async ({images}: Toolkit, name: string) => (await images.inspect(name)).digest;
const spooled = ({root}: TestStore) =>
  existsSync(join(root, 'ingest'))
    ? readdirSync(join(root, 'ingest')).filter((name) => name.startsWith('archive-'))
    : [];

describe('images/archives/load', ({test}) => {
  test('stores all images that a store saved, with their names and digests', async () => {
    using directory = makeTemporaryDirectory();
    await using from = await openTestStore();
    await using to = await openTestStore();
    writeImageLayout(directory.path, {'team/app:1': amd64, 'team/multi:2': multi});
    const first = await from.toolkit.images.load(directory.path);
    assert.equal(
      first.map(({names}) => names),
      [['team/app:1'], ['team/multi:2']],
    );
    await from.toolkit.images.tag('team/app:1', 'other:1');
    const archive = await from.toolkit.images.save(['team/app:1', 'other:1', 'team/multi:2']);
    const bytes = await buffer(archive.content);
    await archive.close();
    const loaded = await to.toolkit.images.load(streamOf(bytes));
    assert.equal(loaded, [
      {names: ['team/app:1', 'other:1'], digest: amd64.manifest.digest, imageId: amd64.config.digest},
      {names: ['team/multi:2'], digest: multi.index.digest, imageId: amd64.config.digest},
    ]);
    const arm = await to.toolkit.images.inspect('team/multi:2', {platform: 'linux/arm64'});
    assert.is(arm.imageId, arm64.config.digest);
    assert.equal(spooled(to), []);
  });

  for (const [what, pack] of [
    ['a plain', (bytes: Buffer) => bytes],
    ['a gzipped', gzipSync],
    ['a zstd', zstdCompressSync],
    ['an xz', packedBy('xz')],
    ['a bzip2', packedBy('bzip2')],
  ] as const) {
    const program = what.split(' ')[1] ?? '';
    const skip = /xz|bzip2/.test(program) && findProgram(program) === null ? `${program} is not installed` : undefined;
    const title = `reads ${what} archive of docker save from a stream and from a file`;
    const read = async () => {
      using directory = makeTemporaryDirectory();
      await using store = await openTestStore();
      const {images} = store.toolkit;
      const bytes = Buffer.from(pack(dockerArchive(plainImage, ['app:1', 'team/app:2'])));
      const [loaded] = await images.load(streamOf(bytes));
      assert.equal([loaded?.names, loaded?.imageId], [['app:1', 'team/app:2'], plainImage.config.digest]);
      const path = join(directory.path, 'archive');
      writeFileSync(path, bytes);
      await images.remove(['app:1', 'team/app:2']);
      await images.load(path);
      assert.is((await images.inspect('team/app:2')).imageId, plainImage.config.digest);
      assert.equal(spooled(store), []);
    };
    test(title, read, {skip});
  }

  test('tells how much of a stream it has read', async () => {
    await using store = await openTestStore();
    const filler = {path: 'filler', content: Buffer.alloc(9 * 1024 * 1024)};
    const bytes = buildTar([...dockerSaveEntries(), filler]);
    const read: unknown[] = [];
    await store.toolkit.images.load(Readable.from([bytes.subarray(0, 5_000_000), bytes.subarray(5_000_000)]), {
      onEvent: (event) => {
        if (event.type === 'archive:reading') read.push([event.archive, event.readBytes, event.totalBytes]);
      },
    });
    assert.equal(read, [
      ['the input', 5_000_000, null],
      ['the input', bytes.length, null],
    ]);
  });

  test('reads a named pipe as it does a stream', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    const pipe = join(directory.path, 'pipe');
    assert.is(spawnSync('mkfifo', [pipe]).status, 0);
    const [loaded] = await Promise.all([
      store.toolkit.images.load(pipe),
      import('node:fs/promises').then(({writeFile}) => writeFile(pipe, dockerArchive())),
    ]);
    assert.equal(
      loaded.map(({names}) => names),
      [['app:1']],
    );
  });

  test('stores an image without a name under its id', async () => {
    await using store = await openTestStore();
    const {images} = store.toolkit;
    const [loaded] = await images.load(streamOf(dockerArchive(plainImage, null)));
    assert.equal(loaded?.names, []);
    assert.is((await images.inspect(plainImage.config.digest)).imageId, plainImage.config.digest);
    assert.equal(
      (await images.list()).flatMap(({reference}) => reference ?? []),
      [],
    );
    await images.load(streamOf(dockerArchive(amd64, ['app:1'])));
    await images.remove(['app:1']);
    assert.is((await images.inspect(plainImage.config.digest)).imageId, plainImage.config.digest);
  });

  test('takes the whole name before the short one, and a word for no name', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    writeImageLayout(directory.path, {latest: amd64, 'no name!': arm64});
    const entries = [
      {
        ...describeDocument(amd64.manifest),
        annotations: {'org.opencontainers.image.ref.name': '1', [FULL_NAME]: 'docker.io/team/app:1'},
      },
      {...describeDocument(arm64.manifest), annotations: {'org.opencontainers.image.ref.name': 'bad:name here'}},
    ];
    writeFileSync(join(directory.path, 'index.json'), JSON.stringify({schemaVersion: 2, manifests: entries}));
    const loaded = await store.toolkit.images.load(directory.path);
    assert.equal(
      loaded.map(({names}) => names),
      [['team/app:1'], []],
    );
  });

  test('stores what there is of an index of which a part is missing', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    writeImageLayout(directory.path, {'app:1': multi});
    rmSync(join(directory.path, 'blobs', 'sha256', hexOf(arm64.manifest.digest)));
    const [loaded] = await store.toolkit.images.load(directory.path, {platform: 'linux/amd64'});
    assert.equal([loaded?.digest, loaded?.imageId], [multi.index.digest, amd64.config.digest]);
  });

  test('M15 keeps a tag that names another image, and moves it when told to', async () => {
    await using store = await openTestStore();
    const {images} = store.toolkit;
    await images.load(streamOf(dockerArchive(plainImage, ['app:1'])));
    const before = await digestOf(store.toolkit, 'app:1');
    const other = dockerArchive(amd64, ['new:1', 'app:1']);
    const error = await rejectionOf(images.load(streamOf(other)));
    assert.is(error.code, 'TAG_EXISTS');
    assert.match(error.message, /^app:1 in the archive/);
    assert.is(await digestOf(store.toolkit, 'app:1'), before);
    assert.is((await rejectionOf(images.inspect('new:1'))).code, 'IMAGE_UNKNOWN');
    await images.load(streamOf(other), {force: true});
    assert.is((await images.inspect('app:1')).imageId, amd64.config.digest);
  });

  test('M15 keeps a tag that another process sets while it loads', async () => {
    await using store = await openTestStore();
    const {images} = store.toolkit;
    await images.load(streamOf(dockerArchive(plainImage, ['other:1'])));
    const digest = await digestOf(store.toolkit, 'other:1');
    const setTag = () => {
      using database = new DatabaseSync(join(store.root, 'winch.db'));
      database.exec(`INSERT OR IGNORE INTO tag VALUES ('docker.io/library/app:1', '${digest}', '${digest}', 1)`);
    };
    const onEvent = ({type}: WinchEvent) => {
      if (type === 'manifest:resolved') setTag();
    };
    const error = await rejectionOf(images.load(streamOf(dockerArchive(amd64, ['app:1'])), {onEvent}));
    assert.is(error.code, 'TAG_EXISTS');
    assert.is(await digestOf(store.toolkit, 'app:1'), digest);
    await images.load(streamOf(dockerArchive(amd64, ['app:1'])), {force: true, onEvent});
    assert.is((await images.inspect('app:1')).imageId, amd64.config.digest);
  });

  test('M15 keeps the manifest of the same image when docker has none', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    const {images} = store.toolkit;
    writeImageLayout(directory.path, {'app:1': amd64});
    await images.load(directory.path);
    await images.load(streamOf(dockerArchive(amd64, ['app:1'])));
    assert.is(await digestOf(store.toolkit, 'app:1'), amd64.manifest.digest);
  });

  test('M15 refuses one name for two images', async () => {
    await using store = await openTestStore();
    const entries = [...dockerSaveEntries(plainImage), ...dockerSaveEntries(amd64)];
    const lists = entries.filter(({path}) => path === 'manifest.json').map(({content}) => JSON.parse(String(content)));
    const rest = entries.filter(({path}) => path !== 'manifest.json');
    const unique = [...new Map(rest.map((entry) => [String(entry.path), entry])).values()];
    const bytes = buildTar([...unique, {path: 'manifest.json', content: JSON.stringify(lists.flat())}]);
    assert.is((await rejectionOf(store.toolkit.images.load(streamOf(bytes)))).code, 'ARCHIVE_INVALID');
    assert.equal(await store.toolkit.images.list(), []);
  });

  test('M15 keeps a tag that an OCI layout gives to another image', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    const {images} = store.toolkit;
    await images.load(streamOf(dockerArchive(plainImage, ['app:1'])));
    writeImageLayout(directory.path, {'docker.io/library/app:1': amd64});
    assert.is((await rejectionOf(images.load(directory.path))).code, 'TAG_EXISTS');
    assert.is((await images.inspect('app:1')).imageId, plainImage.config.digest);
  });

  for (const [what, name] of [
    ['control characters', 'app:1\r\x1b[2K'],
    ['a path', '../../app:1'],
    ['the form of an id', hexOf(plainImage.config.digest)],
  ] as const) {
    test(`M15 refuses a name with ${what}, and keeps nothing`, async () => {
      await using store = await openTestStore();
      const error = await rejectionOf(store.toolkit.images.load(streamOf(dockerArchive(plainImage, [name]))));
      assert.is(error.code, 'REFERENCE_INVALID');
      assert.equal(await store.toolkit.images.list(), []);
    });
  }

  test('M15 gives no image a digest for its name', async () => {
    await using store = await openTestStore();
    const name = `app@${amd64.manifest.digest}`;
    const [loaded] = await store.toolkit.images.load(streamOf(dockerArchive(plainImage, [name])));
    assert.equal(loaded?.names, []);
  });

  test('M15 refuses an archive that is cut off anywhere before its end, and keeps nothing', async () => {
    await using store = await openTestStore();
    const whole = dockerArchive();
    const end = whole.length - 1024;
    for (const size of [0, 1, 511, 512, 513, 1024, 1536, 2048, 2049, end - 1024, end - 512, end - 511]) {
      const error = await rejectionOf(store.toolkit.images.load(streamOf(whole.subarray(0, size))));
      assert.is(error.code, 'ARCHIVE_INVALID', `${size} bytes`);
    }
    const layout = buildTar(layoutEntries(amd64, 'app:1'));
    for (let size = 512; size < layout.length - 1024; size += 512) {
      const error = await rejectionOf(store.toolkit.images.load(streamOf(layout.subarray(0, size))));
      assert.match(error.code ?? '', /^(ARCHIVE_INVALID|BLOB_UNKNOWN)$/, `${size} bytes`);
    }
    assert.equal(await store.toolkit.images.list(), []);
    assert.equal(spooled(store), []);
  });

  test('M15 reads nothing behind the end of an archive', async () => {
    await using store = await openTestStore();
    const bytes = Buffer.concat([dockerArchive(plainImage, ['app:1']), dockerArchive(amd64, ['hidden:1'])]);
    const loaded = await store.toolkit.images.load(streamOf(bytes));
    assert.equal(
      loaded.map(({names, imageId}) => [names, imageId]),
      [[['app:1'], plainImage.config.digest]],
    );
  });

  for (const [what, digest, code] of [
    ['leads out of the layout', 'sha256:../../../../etc/shadow', 'DIGEST_INVALID'],
    ['leads to itself', `sha256:${'a'.repeat(64)}`, 'DIGEST_MISMATCH'],
  ] as const) {
    test(`M15 refuses an index that ${what}`, async () => {
      using directory = makeTemporaryDirectory();
      await using store = await openTestStore();
      writeImageLayout(directory.path, {'app:1': amd64});
      const entry = {mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: 0};
      const index = {schemaVersion: 2, mediaType: entry.mediaType, manifests: [entry]};
      entry.size = JSON.stringify(index).length + 2;
      writeFileSync(join(directory.path, 'index.json'), JSON.stringify(index));
      writeFileSync(join(directory.path, 'blobs', 'sha256', 'a'.repeat(64)), JSON.stringify(index));
      assert.is((await rejectionOf(store.toolkit.images.load(directory.path))).code, code);
      assert.equal(await store.toolkit.images.list(), []);
    });
  }

  test('M15 refuses indexes that are nested deeper than four', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    writeImageLayout(directory.path, {'app:1': amd64});
    let entry: object = describeDocument(amd64.manifest);
    for (let depth = 0; depth < 6; depth++) {
      const manifests = [entry];
      const document = jsonDocument('application/vnd.oci.image.index.v1+json', {schemaVersion: 2, manifests});
      writeFileSync(join(directory.path, 'blobs', 'sha256', hexOf(document.digest)), document.bytes);
      entry = describeDocument(document);
    }
    writeFileSync(join(directory.path, 'index.json'), JSON.stringify({schemaVersion: 2, manifests: [entry]}));
    assert.is((await rejectionOf(store.toolkit.images.load(directory.path))).code, 'LIMIT_INDEX_DEPTH');
    assert.equal(await store.toolkit.images.list(), []);
  });

  for (const [what, entries, code] of HOSTILE_ARCHIVES) {
    test(`${what.replace(/^(M15 )?/, '$1refuses ')}, and keeps nothing of it`, async () => {
      await using store = await openTestStore();
      const error = await rejectionOf(store.toolkit.images.load(streamOf(buildTar(entries))));
      assert.is(error.code, code === 'IMAGE_UNKNOWN' ? 'ARCHIVE_INVALID' : code);
      assert.equal(await store.toolkit.images.list(), []);
      assert.equal(spooled(store), []);
    });
  }

  test('refuses bytes that are not those of their digest', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    writeImageLayout(directory.path, {'app:1': amd64});
    const [layer] = amd64.layers;
    if (!layer) throw new Error('the image has layers');
    const path = join(directory.path, 'blobs', 'sha256', hexOf(layer.digest));
    writeFileSync(path, Buffer.alloc(layer.bytes.length, 'x'));
    const error = await rejectionOf(store.toolkit.images.load(directory.path));
    assert.is(error.code, 'DIGEST_MISMATCH');
    assert.equal(await store.toolkit.images.list(), []);
  });

  test('tells of input that is nothing, cut off, packed and damaged, or not there', async () => {
    await using store = await openTestStore();
    const codeOf = async (input: string | Readable) => (await rejectionOf(store.toolkit.images.load(input))).code;
    assert.is(await codeOf(streamOf(Buffer.alloc(0))), 'ARCHIVE_INVALID');
    assert.is(await codeOf(streamOf(dockerArchive().subarray(0, 700))), 'ARCHIVE_INVALID');
    assert.is(await codeOf(streamOf(Buffer.from('1f8b0800', 'hex'))), 'LAYER_COMPRESSION_INVALID');
    for (const [program, head] of [
      ['xz', 'fd377a585a0000'],
      ['bzip2', '425a68393141'],
    ] as const) {
      const code = findProgram(program) ? 'ARCHIVE_COMPRESSION_INVALID' : 'ARCHIVE_COMPRESSION_UNSUPPORTED';
      assert.is(await codeOf(streamOf(Buffer.from(head, 'hex'))), code);
    }
    assert.is(await codeOf('/nowhere/archive.tar'), 'ARCHIVE_MISSING');
    assert.equal(spooled(store), []);
  });

  test('stops at a signal and removes what it had read', async () => {
    await using store = await openTestStore();
    const controller = new AbortController();
    const reason = new Error('enough');
    async function* endless() {
      yield dockerArchive();
      controller.abort(reason);
      yield Buffer.alloc(512);
    }
    const error = await rejectionOf(store.toolkit.images.load(endless(), {signal: controller.signal}));
    assert.is(error, reason);
    assert.equal(spooled(store), []);
  });

  if (noTools) return;

  test('reads archives and layouts that skopeo and umoci wrote, with equal digests', async () => {
    using directory = makeTemporaryDirectory();
    await using store = await openTestStore();
    const {images} = store.toolkit;
    const layout = join(directory.path, 'layout');
    writeImageLayout(layout, {'app:1': amd64});
    const [oci, docker] = ['oci.tar', 'docker.tar'].map((name) => join(directory.path, name));
    await requireProgram('skopeo', ['copy', `oci:${layout}:app:1`, `oci-archive:${oci}:team/oci:1`]);
    await requireProgram('skopeo', ['copy', `oci:${layout}:app:1`, `docker-archive:${docker}:team/docker:1`]);
    await requireProgram('umoci', ['tag', '--image', `${layout}:app:1`, 'team/umoci:1']);
    assert.equal(
      (await images.load(oci ?? '')).map(({names, digest}) => [names, digest]),
      [[['team/oci:1'], amd64.manifest.digest]],
    );
    assert.equal(
      (await images.load(docker ?? '')).map(({names}) => names),
      [['team/docker:1']],
    );
    assert.equal(
      (await images.load(layout)).map(({names, digest}) => [names, digest]),
      [[['app:1', 'team/umoci:1'], amd64.manifest.digest]],
    );
    const layers = async (name: string) => (await images.inspect(name)).layers.map(({diffId}) => diffId);
    assert.equal(await layers('team/docker:1'), amd64.diffIds);
  });
});
