import {chmodSync, chownSync, lstatSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {openTestStore} from '../../helpers/open-store.ts';
import {findStoreProblems} from '../../helpers/store-problems.ts';
import {describe} from '../../helpers/suite.ts';
import {type DamagedStore, flipBit, HARMS, openDamagedStore} from './damaged-store.ts';

const DEEP = {deep: true};
const HEAD_BYTES = 4096;
const PAGE_BYTES = 4096;

type Place = 'blob' | 'manifest' | 'config' | 'layer';
const PLACES: readonly Place[] = ['blob', 'manifest', 'config', 'layer'];

/** One bit in each part of each kind of file, by where it is. */
const FLIPS: Readonly<Record<string, (paths: DamagedStore['paths']) => readonly [string, number]>> = {
  'a layer blob': ({blob}) => [blob, 20],
  'a manifest': ({manifest}) => [manifest, 20],
  'a config': ({config}) => [config, 20],
  "a layer file's superblock": ({layer}) => [layer, 1024],
  "a layer file's head": ({layer}) => [layer, 1024 + 14],
  "a layer file's tar": ({layer}) => [layer, HEAD_BYTES + 700],
  "a layer file's index": ({layer}) => [layer, statSync(layer).size - 500],
};

const DATABASE_LOSSES: Readonly<Record<string, (path: string) => void>> = {
  missing: HARMS.missing,
  'no database': (path) => writeFileSync(path, 'no database at all '.repeat(999)),
};

const damagesOf = async ({images}: Pick<DamagedStore, 'images'>, options = {}) =>
  (await images.check(options)).findings.filter(({isDamage}) => isDamage);

describe('images/check', ({test}) => {
  test('a store that does not exist is sound, and is not made', async () => {
    await using store = await openTestStore();
    const {findings, isClean} = await store.toolkit.images.check({deep: true});
    assert.equal([findings, isClean], [[], true]);
  });

  test('a store as pulls leave it is sound, fast and deep', async () => {
    await using store = await openDamagedStore();
    for (const options of [{}, DEEP]) {
      const {findings, isClean, checkedFiles} = await store.images.check(options);
      assert.equal([findings, isClean, checkedFiles], [[], true, 7]);
    }
  });

  for (const [where, choose] of Object.entries(FLIPS)) {
    test(`one flipped bit in ${where} is found, named, and repaired to the very bytes`, async () => {
      await using store = await openDamagedStore();
      const [path, offset] = choose(store.paths);
      const original = readFileSync(path);
      flipBit(path, offset);
      const [damage, ...more] = await damagesOf(store, DEEP);
      assert.equal([damage?.kind, damage?.path, more], ['content', path.slice(store.root.length + 1), []]);
      assert.equal(
        damage?.images.map(({references}) => references),
        [[store.reference]],
      );
      const {repairs, isClean} = await store.images.check({deep: true, repair: true});
      assert.equal([repairs.map(({outcome}) => outcome), isClean], [['repaired'], true]);
      assert.ok(readFileSync(path).equals(original));
      assert.equal(await damagesOf(store, DEEP), []);
      assert.equal(findStoreProblems(store.root), []);
    });
  }

  for (const place of PLACES) {
    for (const [kind, harm] of Object.entries(HARMS)) {
      test(`a ${place} of which the ${kind} is wrong is found without reading it, and repaired`, async () => {
        await using store = await openDamagedStore();
        const path = store.paths[place];
        const original = readFileSync(path);
        harm(path);
        assert.equal(
          (await damagesOf(store)).map((damage) => damage.kind),
          [kind],
        );
        const {repairs} = await store.images.check({repair: true});
        assert.equal(
          repairs.map(({outcome}) => outcome),
          ['repaired'],
        );
        assert.ok(readFileSync(path).equals(original));
        assert.is(statSync(path).mode & 0o777, 0o600);
        assert.equal(await damagesOf(store, DEEP), []);
      });
    }
  }

  test('a symlink in the place of a blob is replaced, and what it leads to is left alone', async () => {
    await using store = await openDamagedStore();
    const {config, below} = store.paths;
    const target = below('elsewhere');
    renameSync(config, target);
    chmodSync(target, 0o644);
    symlinkSync(target, config);
    const {repairs} = await store.images.check({repair: true});
    assert.equal(
      repairs.map(({finding, outcome}) => [finding.kind, outcome]),
      [['content', 'repaired']],
    );
    assert.ok(lstatSync(config).isFile());
    assert.is(statSync(target).mode & 0o777, 0o644);
  });

  test('a file and a directory that others may use are for their owner alone again', async () => {
    await using store = await openDamagedStore();
    const {below, blob} = store.paths;
    chmodSync(below('blobs/sha256'), 0o755);
    if (process.getuid?.() === 0) chownSync(blob, 4242, 4242);
    else chmodSync(blob, 0o640);
    assert.equal(
      (await damagesOf(store)).map(({kind, object}) => [kind, object]),
      [
        ['mode', 'directory'],
        ['mode', 'blob'],
      ],
    );
    await store.images.check({repair: true});
    assert.equal(await damagesOf(store), []);
    assert.is(statSync(blob).uid, statSync(store.root).uid);
  });

  test('a page of the database that is damaged is found, and the database rebuilt with its tags', async () => {
    await using store = await openDamagedStore();
    const before = await store.images.list();
    await store.toolkit.close();
    flipBit(store.paths.database, 2 * PAGE_BYTES + 1);
    const images = await store.reopen();
    const [damage] = await damagesOf({images});
    assert.equal([damage?.object, damage?.kind, damage?.path], ['database', 'content', 'winch.db']);
    const {isClean, repairs} = await images.check({deep: true, repair: true});
    assert.is(isClean, true);
    assert.match(repairs[0]?.detail ?? '', /rebuilt from the blobs with 1 tags; the old one is winch\.db\.damaged-/);
    const after = await images.list();
    assert.equal(
      after.map(({reference, imageId}) => [reference, imageId]),
      before.map(({reference, imageId}) => [reference, imageId]),
    );
    assert.equal(await damagesOf({images}, DEEP), []);
    assert.equal(findStoreProblems(store.root), []);
  });

  for (const [how, harm] of Object.entries(DATABASE_LOSSES)) {
    test(`a database that is ${how} is rebuilt, and index.json tells the tags`, async () => {
      await using store = await openDamagedStore();
      const [before] = await store.images.list();
      await store.toolkit.close();
      harm(store.paths.database);
      const images = await store.reopen();
      assert.equal(
        (await damagesOf({images})).map(({code}) => code),
        [how === 'missing' ? 'DATABASE_MISSING' : 'DATABASE_DAMAGED'],
      );
      const {isClean} = await images.check({deep: true, repair: true});
      assert.is(isClean, true);
      const [after] = await images.list();
      assert.equal([after?.imageId, after?.reference], [before?.imageId, before?.reference]);
      assert.equal(findStoreProblems(store.root), []);
    });
  }

  test('an index.json that tells others something else is named, and written again, and is no damage', async () => {
    await using store = await openDamagedStore();
    const path = store.paths.below('index.json');
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.replace('/', '_'));
    const {findings, isClean} = await store.images.check();
    assert.equal([findings.map(({code}) => code), isClean], [['LAYOUT_STALE'], true]);
    const {repairs} = await store.images.check({repair: true});
    assert.equal(
      repairs.map(({finding, outcome}) => [finding.code, outcome]),
      [['LAYOUT_STALE', 'repaired']],
    );
    assert.is(readFileSync(path, 'utf8'), whole);
    assert.equal((await store.images.check()).findings, []);
  });

  test('images of which nobody knows the names any more are kept under their digests', async () => {
    await using store = await openDamagedStore();
    const [before] = await store.images.list();
    await store.toolkit.close();
    HARMS.missing(store.paths.database);
    HARMS.missing(store.paths.below('index.json'));
    const images = await store.reopen();
    assert.is((await images.check({repair: true})).isClean, true);
    const [after] = await images.list();
    assert.is(after?.imageId, before?.imageId);
    assert.match(after?.reference ?? '', /^localhost\/recovered@sha256:/);
    assert.equal(findStoreProblems(store.root), []);
  });

  test('a layer file and its blob that are damaged both are had again', async () => {
    await using store = await openDamagedStore();
    const original = readFileSync(store.paths.layer);
    flipBit(store.paths.blob, 20);
    HARMS.missing(store.paths.layer);
    const {repairs} = await store.images.check({repair: true});
    assert.equal(
      repairs.map(({outcome}) => outcome),
      ['repaired'],
    );
    assert.ok(readFileSync(store.paths.layer).equals(original));
    assert.equal(findStoreProblems(store.root), []);
  });

  test('an image whose config is nowhere any more is dropped with its tag, and named', async () => {
    await using store = await openDamagedStore();
    store.registry.setFaults([{on: 'any', status: 404}]);
    flipBit(store.paths.config, 20);
    const {repairs, isClean} = await store.images.check({deep: true, repair: true});
    assert.equal([repairs.map(({outcome}) => outcome), isClean], [['dropped'], true]);
    assert.equal(repairs[0]?.finding.images[0]?.references, [store.reference]);
    assert.equal(await store.images.list(), []);
  });

  test('an image that runs without its lost blob is kept', async () => {
    await using store = await openDamagedStore();
    store.registry.setFaults([{on: 'any', status: 404}]);
    HARMS.missing(store.paths.blob);
    const {repairs, isClean} = await store.images.check({repair: true});
    assert.equal([repairs.map(({outcome}) => outcome), isClean], [['kept'], false]);
    assert.is((await store.images.list()).length, 1);
  });

  test('an image is kept while its registry refuses', async () => {
    await using store = await openDamagedStore();
    store.registry.setFaults([{on: 'any', status: 403}]);
    HARMS.missing(store.paths.layer);
    HARMS.missing(store.paths.blob);
    const {repairs} = await store.images.check({repair: true});
    assert.equal(
      repairs.map(({outcome}) => outcome),
      ['kept', 'kept'],
    );
    assert.is((await store.images.list()).length, 1);
  });

  test('what no image needs is named, and is no damage', async () => {
    await using store = await openDamagedStore();
    writeFileSync(store.paths.below(`blobs/sha256/${'0'.repeat(64)}`), 'extra');
    writeFileSync(store.paths.below('blobs/sha256/name'), 'extra');
    writeFileSync(store.paths.below('ingest/blob-sha256-aa'), 'part');
    const {findings, isClean} = await store.images.check(DEEP);
    assert.equal(
      findings.map(({kind, isDamage}) => [kind, isDamage]),
      Array(3).fill(['extra', false]),
    );
    assert.is(isClean, true);
  });

  test('what other tools are told of the images is no damage, and is told again by a repair', async () => {
    await using store = await openDamagedStore();
    const index = store.paths.below('index.json');
    const original = readFileSync(index);
    flipBit(index, 60);
    const {findings, isClean} = await store.images.check();
    assert.equal([findings.map(({code}) => code), isClean], [['LAYOUT_STALE'], true]);
    await store.images.check({repair: true});
    assert.ok(readFileSync(index).equals(original));
  });

  test('stops when it is told to', async () => {
    await using store = await openDamagedStore();
    const reason = new Error('enough');
    const error = await store.images.check({deep: true, signal: AbortSignal.abort(reason)}).catch((caught) => caught);
    assert.is(error, reason);
  });
});
