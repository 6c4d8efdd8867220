import * as assert from 'uvu/assert';
import type {RestoredCache, RestoreOutcome} from '../../../src/images/cache/restore-cache.ts';
import type {SavedCache} from '../../../src/images/cache/save-cache.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

const SAVED: SavedCache = {
  images: [{reference: 'app:1', digest: DIGESTS.index}],
  writtenLayers: 2,
  presentLayers: 1,
  writtenBytes: 1_500_000,
  removedFiles: 0,
};

const restored = (...outcomes: readonly RestoreOutcome[]): RestoredCache => ({
  images: outcomes.map((outcome, at) => ({reference: `app:${at}`, digest: DIGESTS.index, outcome})),
  restoredLayers: 2,
  presentLayers: 1,
  damagedLayers: [],
  readBytes: 1_500_000,
});

async function save(words: readonly string[], saved = SAVED) {
  const calls: unknown[] = [];
  const images = {
    saveCache: async (request: object, {keep}: {readonly keep?: boolean | undefined} = {}) => {
      calls.push({...request, keep});
      return saved;
    },
  };
  return {...(await runWinch(['cache', 'save', ...words], {images})), calls};
}

async function restore(words: readonly string[], result: RestoredCache) {
  const calls: unknown[] = [];
  const images = {
    restoreCache: async (directory: string, {force}: {readonly force?: boolean | undefined} = {}) => {
      calls.push([directory, force]);
      return result;
    },
  };
  return {...(await runWinch(['cache', 'restore', ...words], {images})), calls};
}

describe('cli/commands/cache', ({test}) => {
  test('saves what is named, or everything, and says how much that was', async () => {
    const all = await save(['/tmp/cache']);
    assert.equal(all.calls, [{directory: '/tmp/cache', names: [], keep: undefined}]);
    assert.equal([all.code, all.stdout], [0, 'Saved images: 1 (layers: 2 written, 1 present, 1.5MB written)\n']);
    const one = await save(['--keep', '/tmp/cache', 'app:1'], {...SAVED, removedFiles: 3});
    assert.equal(one.calls, [{directory: '/tmp/cache', names: ['app:1'], keep: true}]);
    assert.match(one.stdout, '1.5MB written, 3 files removed)');
    assert.equal(JSON.parse((await save(['--format', 'json', '/tmp/cache'])).stdout), SAVED);
    assert.is((await save([])).code, 2);
  });

  test('restores, says how each image fared, and ends with 3 where one is damaged', async () => {
    const good = await restore(['/tmp/cache'], restored('restored', 'restored', 'present', 'kept'));
    assert.equal(good.calls, [['/tmp/cache', undefined]]);
    assert.is(good.stdout, 'Restored images: 2, 1 present, 1 kept (layers: 2 restored, 1 present, 1.5MB read)\n');
    assert.is(good.code, 0);
    const bad = await restore(['--force', '/tmp/cache'], restored('restored', 'damaged'));
    assert.equal(bad.calls, [['/tmp/cache', true]]);
    assert.match(bad.stdout, 'Restored images: 1, 1 damaged (');
    assert.is(bad.code, 3);
    const {stdout} = await restore(['--format', 'json', '/tmp/cache'], restored('kept'));
    assert.equal(JSON.parse(stdout), restored('kept'));
  });
});
