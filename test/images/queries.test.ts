import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {isWinchError} from '../../src/errors.ts';
import type {ImageTreeNode} from '../../src/images/tree.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

/** base ← middle ← top, base ← side, and one image that shares nothing. */
async function openFamily() {
  const registry = await startRegistry();
  const store = await openTestStore();
  const images = {
    base: imageOf([baseTar]),
    middle: imageOf([baseTar, appTar]),
    top: imageOf([baseTar, appTar, otherTar]),
    side: imageOf([baseTar, otherTar]),
    alone: imageOf([appTar]),
  };
  for (const [name, image] of Object.entries(images)) {
    registry.put(name, '1', image);
    await store.toolkit.images.pull(`${registry.host}/${name}:1`, AMD64);
  }
  return {
    images: store.toolkit.images,
    built: images,
    host: registry.host,
    root: store.root,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

describe('images/queries', ({test}) => {
  test('lists images newest first, one row for each tag', async () => {
    await using family = await openFamily();
    await family.images.tag(`${family.host}/alone:1`, 'team/alone:2');
    const rows = await family.images.list();
    assert.is(rows.length, 6);
    assert.equal(
      rows.filter(({imageId}) => imageId === family.built.alone.config.digest).map(({reference}) => reference),
      [`${family.host}/alone:1`, 'team/alone:2'],
    );
    assert.is(rows[0]?.unpackedBytes, appTar.length);
  });

  test('draws who descends from whom by shared chains', async () => {
    await using family = await openFamily();
    const name = ({image}: ImageTreeNode) => image.references[0]?.split('/')[1];
    const shape = (nodes: readonly ImageTreeNode[]): unknown => nodes.map((node) => [name(node), shape(node.children)]);
    assert.equal(shape(await family.images.tree()), [
      [
        'base:1',
        [
          ['middle:1', [['top:1', []]]],
          ['side:1', []],
        ],
      ],
      ['alone:1', []],
    ]);
  });

  test('names parent and children, and gives manifest and config as they were pushed', async () => {
    await using family = await openFamily();
    const details = await family.images.inspect(`${family.host}/middle:1`);
    assert.equal(details.parent?.references, [`${family.host}/base:1`]);
    assert.equal(
      details.children.map(({references}) => references[0]),
      [`${family.host}/top:1`],
    );
    assert.equal(details.config, JSON.parse(family.built.middle.config.bytes.toString()));
    assert.equal(details.manifest, JSON.parse(family.built.middle.manifest.bytes.toString()));
    assert.equal(details.repositoryDigests, [`${family.host}/middle@${family.built.middle.manifest.digest}`]);
  });

  test('finds an image by id and by the first digits of it', async () => {
    await using family = await openFamily();
    const id = family.built.top.config.digest;
    for (const text of [id, id.slice('sha256:'.length), id.slice('sha256:'.length, 20)]) {
      assert.is((await family.images.inspect(text)).imageId, id, text);
    }
  });

  test('lists history newest first with the layers of each step', async () => {
    await using family = await openFamily();
    const history = await family.images.history(`${family.host}/middle:1`);
    assert.equal(
      history.map(({createdBy, layer}) => [createdBy, layer?.unpackedBytes]),
      [
        ['layer 2', appTar.length],
        ['layer 1', baseTar.length],
      ],
    );
  });

  test('untags first, and frees only what nothing else needs', async () => {
    await using family = await openFamily();
    await family.images.tag(`${family.host}/top:1`, 'mine');
    const untagged = await family.images.remove(['mine']);
    assert.equal([untagged.untagged, untagged.deleted, untagged.freedBytes], [['mine:latest'], [], 0]);
    const removed = await family.images.remove([`${family.host}/middle:1`]);
    assert.equal(removed.deleted, [family.built.middle.config.digest]);
    const {manifest, config} = family.built.middle;
    assert.is(removed.freedBytes, manifest.bytes.length + config.bytes.length);
    assert.is((await family.images.inspect(`${family.host}/top:1`)).parent?.references[0], `${family.host}/base:1`);
  });

  test('refuses to remove an image by id while two tags name it, unless forced', async () => {
    await using family = await openFamily();
    await family.images.tag(`${family.host}/alone:1`, 'mine');
    const id = family.built.alone.config.digest;
    const error = await family.images.remove([id]).catch((reason: unknown) => reason);
    assert.ok(isWinchError(error, 'IMAGE_TAGGED_TWICE'));
    assert.equal((await family.images.remove([id], {force: true})).deleted, [id]);
  });

  test('removes all of several references, or none', async () => {
    await using family = await openFamily();
    const error = await family.images.remove([`${family.host}/side:1`, 'nothing']).catch((reason: unknown) => reason);
    assert.ok(isWinchError(error, 'IMAGE_UNKNOWN'));
    assert.is((await family.images.list()).length, 5);
  });

  test('moves a tag, leaving the image that had it without one', async () => {
    await using family = await openFamily();
    await family.images.tag(`${family.host}/side:1`, `${family.host}/alone:1`);
    const rows = await family.images.list();
    const alone = rows.find(({imageId}) => imageId === family.built.alone.config.digest);
    assert.equal([alone?.reference, alone?.tag], [null, null]);
  });

  test('answers for a store that does not exist yet without making it', async () => {
    await using store = await openTestStore();
    assert.equal(await store.toolkit.images.list(), []);
    assert.equal(await store.toolkit.images.tree(), []);
    const error = await store.toolkit.images.inspect('alpine').catch((reason: unknown) => reason);
    assert.ok(isWinchError(error, 'IMAGE_UNKNOWN'));
  });
});
