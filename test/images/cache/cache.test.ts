import {existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../../fixtures/build-image.ts';
import {writeImageLayout} from '../../helpers/image-layout.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {findStoreProblems} from '../../helpers/store-problems.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {appTar, baseTar, imageOf, otherTar} from '../sample-images.ts';
import {openCacheLab} from './cache-lab.ts';

const app = imageOf([baseTar, appTar]);
const other = imageOf([baseTar, otherTar]);
const arm64 = imageOf([otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
const multi = buildIndex([arm64, app]);
const IMAGES = {'team/app:1': app, 'team/multi:2': multi, 'team/other:1': other};
const modifiedAt = (path: string) => statSync(path, {bigint: true}).mtimeNs;

describe('images/cache', ({test}) => {
  test('brings images with their names and digests to another store, ready to run', async () => {
    await using lab = await openCacheLab(IMAGES);
    const {result} = await lab.restore();
    assert.equal(result, {
      images: [
        {reference: 'team/app:1', digest: app.manifest.digest, outcome: 'restored'},
        {reference: 'team/multi:2', digest: multi.index.digest, outcome: 'restored'},
        {reference: 'team/other:1', digest: other.manifest.digest, outcome: 'restored'},
      ],
      restoredLayers: 3,
      presentLayers: 0,
      damagedLayers: [],
      readBytes: readdirSync(join(lab.directory, 'layers', 'sha256'))
        .map((name) => statSync(join(lab.directory, 'layers', 'sha256', name)).size)
        .reduce((sum, size) => sum + size, 0),
    });
    const {images} = lab.to.toolkit;
    assert.is((await images.inspect('team/multi:2')).imageId, app.config.digest);
    const pulled = await images.pull('team/app:1', {policy: 'never'});
    assert.equal([pulled.digest, pulled.receivedBytes], [app.manifest.digest, 0]);
    for (const diffId of [...app.diffIds, ...other.diffIds]) {
      const file = join('layers', diffId.replace(':', '/'), 'layer.erofs');
      assert.ok(readFileSync(join(lab.to.root, file)).equals(readFileSync(join(lab.from.root, file))), diffId);
    }
    assert.equal(findStoreProblems(lab.to.root), []);
    assert.equal((await images.check({deep: true})).findings, []);
  });

  test('leaves compressed copies out, which then count as dropped', async () => {
    await using lab = await openCacheLab({'team/app:1': app});
    assert.equal(
      readdirSync(join(lab.directory, 'blobs', 'sha256')).toSorted(),
      [app.manifest, app.config].map(({digest}) => digest.slice('sha256:'.length)).toSorted(),
    );
    await lab.restore();
    const saving = async () => {
      const archive = await lab.to.toolkit.images.save(['team/app:1']);
      try {
        for await (const _ of archive.content);
      } finally {
        await archive.close();
      }
    };
    assert.is((await rejectionOf(saving())).code, 'BLOB_DROPPED');
  });

  test('writes and reads nothing again the second time', async () => {
    await using lab = await openCacheLab(IMAGES);
    const before = lab.list().map((path) => modifiedAt(join(lab.directory, path)));
    const saved = await lab.from.toolkit.images.saveCache({directory: lab.directory, names: []});
    const {writtenLayers, presentLayers, writtenBytes, removedFiles} = saved;
    assert.equal([writtenLayers, presentLayers, writtenBytes, removedFiles], [0, 3, 0, 0]);
    assert.equal(
      lab.list().map((path) => modifiedAt(join(lab.directory, path))),
      before,
    );
    await lab.restore();
    const {images, ...counts} = await lab.to.toolkit.images.restoreCache(lab.directory);
    assert.equal(
      images.map(({outcome}) => outcome),
      ['present', 'present', 'present'],
    );
    assert.equal(counts, {restoredLayers: 0, presentLayers: 0, damagedLayers: [], readBytes: 0});
  });

  test('writes and reads the layers alone that are new, and removes what nothing needs', async () => {
    await using lab = await openCacheLab({'team/app:1': app});
    const {images} = lab.from.toolkit;
    await lab.restore();
    await images.tag('team/app:1', 'team/old:1');
    using layout = makeTemporaryDirectory();
    writeImageLayout(layout.path, {'team/other:1': other});
    await images.load(layout.path);
    const saved = await images.saveCache({directory: lab.directory, names: ['team/other:1']});
    assert.equal([saved.writtenLayers, saved.presentLayers, saved.removedFiles], [1, 1, 3]);
    const restored = await lab.to.toolkit.images.restoreCache(lab.directory);
    assert.equal([restored.restoredLayers, restored.presentLayers], [1, 1]);
    assert.not.ok(existsSync(lab.path('layers', app.diffIds[1] ?? '')));
    const kept = await images.saveCache({directory: lab.directory, names: ['team/app:1']}, {keep: true});
    assert.equal([kept.writtenLayers, kept.removedFiles], [1, 0]);
    await using third = await openTestStore();
    const names = (await third.toolkit.images.restoreCache(lab.directory)).images.map(({reference}) => reference);
    assert.equal(names.toSorted(), ['team/app:1', 'team/other:1']);
  });

  test('unpacks what is only downloaded before it is saved, and refuses an image without a name', async () => {
    await using lab = await openCacheLab({'team/app:1': app});
    const {images} = lab.from.toolkit;
    rmSync(join(lab.from.root, 'layers'), {recursive: true});
    rmSync(join(lab.directory, 'layers'), {recursive: true});
    assert.is((await images.saveCache({directory: lab.directory, names: ['team/app:1']})).writtenLayers, 2);
    assert.is((await lab.restore()).warnings.length, 0);
    const byId = images.saveCache({directory: lab.directory, names: [app.config.digest]});
    assert.is((await rejectionOf(byId)).code, 'IMAGE_UNNAMED');
    const unknown = images.saveCache({directory: lab.directory, names: ['nothing:1']});
    assert.is((await rejectionOf(unknown)).code, 'IMAGE_UNKNOWN');
  });

  test('leaves a name that has another image in the store, unless it is told to move it', async () => {
    await using lab = await openCacheLab({'team/app:1': app});
    using layout = makeTemporaryDirectory();
    writeImageLayout(layout.path, {'team/app:1': other});
    const {images} = lab.to.toolkit;
    await images.load(layout.path);
    const outcomes = async (options = {}) => {
      const {result, warnings} = await lab.restore(options);
      const [image] = (result as {images: readonly {outcome: string}[]}).images;
      return [image?.outcome, warnings, (await images.inspect('team/app:1')).imageId];
    };
    assert.equal(await outcomes(), ['kept', ['TAG_EXISTS'], other.config.digest]);
    assert.equal(await outcomes({force: true}), ['restored', [], app.config.digest]);
    assert.equal(await outcomes(), ['present', [], app.config.digest]);
  });

  test('does not save a layer that is damaged in the store', async () => {
    await using lab = await openCacheLab({'team/app:1': app});
    const [base = ''] = app.diffIds;
    rmSync(lab.path('layers', base));
    const file = join(lab.from.root, 'layers', base.replace(':', '/'), 'layer.erofs');
    const bytes = readFileSync(file);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const saving = lab.from.toolkit.images.saveCache({directory: lab.directory, names: []});
    assert.is((await rejectionOf(saving)).code, 'STORE_CORRUPT');
    assert.equal(
      lab.list().filter((path) => path.includes(base.slice('sha256:'.length))),
      [],
    );
  });

  test('is no cache to this version when it says so', async () => {
    await using lab = await openCacheLab({'team/app:1': app});
    writeFileSync(join(lab.directory, 'winch-cache.json'), JSON.stringify({version: 2}));
    assert.is((await rejectionOf(lab.restore())).code, 'CACHE_UNUSABLE');
  });

  test('takes a directory that is not there for an empty cache, and touches none that is something else', async () => {
    await using lab = await openCacheLab({'team/app:1': app});
    using elsewhere = makeTemporaryDirectory();
    const warnings: string[] = [];
    const restored = await lab.to.toolkit.images.restoreCache(join(elsewhere.path, 'none'), {
      onEvent: (event) => void (event.type === 'warning:raised' && warnings.push(event.code)),
    });
    assert.equal([restored.images, warnings], [[], ['CACHE_EMPTY']]);
    writeFileSync(join(elsewhere.path, 'thesis.tex'), 'mine');
    const {images} = lab.from.toolkit;
    const saved = await rejectionOf(images.saveCache({directory: elsewhere.path, names: []}));
    const read = await rejectionOf(images.restoreCache(elsewhere.path));
    assert.equal([saved.code, read.code], ['CACHE_UNUSABLE', 'CACHE_UNUSABLE']);
    assert.equal(readdirSync(elsewhere.path), ['thesis.tex']);
    writeFileSync(join(lab.directory, 'blobs', 'sha256', 'README'), 'not of winch');
    await images.saveCache({directory: lab.directory, names: []});
    assert.ok(existsSync(join(lab.directory, 'blobs', 'sha256', 'README')));
  });
});
