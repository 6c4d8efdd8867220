import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

/** A registry whose `app:latest` was first one image, then another; both were pulled. */
async function openMoved() {
  const registry = await startRegistry();
  const store = await openTestStore();
  const {images} = store.toolkit;
  const old = imageOf([baseTar, appTar]);
  const recent = imageOf([baseTar, otherTar]);
  const reference = `${registry.host}/app:latest`;
  for (const image of [old, recent]) {
    registry.put('app', 'latest', image);
    await images.pull(reference, AMD64);
  }
  return {
    images,
    registry,
    reference,
    old: old.config.digest,
    recent: recent.config.digest,
    idOf: async () => (await images.inspect(reference)).imageId,
    history: async () => (await images.tagHistory(reference)).map(({imageId}) => imageId),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

describe('images/tag-history', ({test}) => {
  test('knows what a tag named, newest first', async () => {
    await using moved = await openMoved();
    assert.equal(await moved.history(), [moved.recent, moved.old]);
    await moved.images.pull(moved.reference, AMD64);
    assert.is((await moved.history()).length, 2);
    const [last] = await moved.images.tagHistory(moved.reference);
    assert.ok(Math.abs(Date.parse(last?.time ?? '') - Date.now()) < 60_000);
  });

  test('undoes a move, and the undoing', async () => {
    await using moved = await openMoved();
    assert.is((await moved.images.undoTag(moved.reference)).imageId, moved.old);
    assert.is(await moved.idOf(), moved.old);
    assert.is((await moved.images.undoTag(moved.reference)).imageId, moved.recent);
    assert.is(await moved.idOf(), moved.recent);
    assert.equal(await moved.history(), [moved.recent, moved.old, moved.recent, moved.old]);
  });

  test('takes a name away, keeps the image, and brings the name back', async () => {
    await using moved = await openMoved();
    assert.equal(await moved.images.untag([moved.reference]), [moved.reference]);
    assert.is((await rejectionOf(moved.idOf())).code, 'IMAGE_UNKNOWN');
    assert.ok((await moved.images.list()).some(({imageId, reference}) => imageId === moved.recent && !reference));
    assert.equal((await moved.history())[0], null);
    await moved.images.undoTag(moved.reference);
    assert.is(await moved.idOf(), moved.recent);
  });

  test('removes all of the names or none', async () => {
    await using moved = await openMoved();
    const error = await rejectionOf(moved.images.untag([moved.reference, 'absent:1']));
    assert.equal([error.code, error.message], ['TAG_UNKNOWN', 'there is no tag absent:1']);
    assert.is(await moved.idOf(), moved.recent);
  });

  test('says when the image from before is gone', async () => {
    await using moved = await openMoved();
    await moved.images.remove([moved.old]);
    const error = await rejectionOf(moved.images.undoTag(moved.reference));
    assert.is(error.code, 'TAG_TARGET_GONE');
    assert.equal(await moved.history(), [moved.recent, null]);
    assert.is(await moved.idOf(), moved.recent);
  });

  test('a tag that named one image only has nothing to go back to', async () => {
    await using moved = await openMoved();
    await moved.images.tag(moved.reference, 'once:1');
    assert.is((await rejectionOf(moved.images.undoTag('once:1'))).code, 'TAG_NEVER_MOVED');
    for (const call of [moved.images.undoTag, moved.images.tagHistory]) {
      assert.is((await rejectionOf(call('never:1'))).code, 'TAG_UNKNOWN');
    }
  });

  test('an empty store knows no tag, and none is made', async () => {
    await using store = await openTestStore();
    const {images} = store.toolkit;
    for (const call of [images.undoTag('a'), images.tagHistory('a'), images.untag(['a'])]) {
      assert.is((await rejectionOf(call)).code, 'TAG_UNKNOWN');
    }
  });

  test('goes back to the index while it is stored, and to the image alone once it is collected', async () => {
    await using moved = await openMoved();
    const built = buildIndex([imageOf([appTar])]);
    moved.registry.put('multi', '1', built);
    const reference = `${moved.registry.host}/multi:1`;
    await moved.images.pull(reference, AMD64);
    await moved.images.untag([reference]);
    assert.is((await moved.images.undoTag(reference)).digest, built.index.digest);
    await moved.images.untag([reference]);
    await moved.images.remove([moved.reference]);
    assert.is((await moved.images.undoTag(reference)).digest, built.images[0]?.manifest.digest);
  });
});
