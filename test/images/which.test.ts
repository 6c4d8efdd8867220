import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {WhichMatch} from '../../src/images/which.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};
const hidingTar = buildTar([{path: 'bin/.wh.tool'}, {path: 'sbin', type: 'symlink', linkPath: 'bin'}]);

/** base, app and hiding on top of base, and one that has nothing in common with them. */
async function openFamily() {
  const registry = await startRegistry();
  const store = await openTestStore();
  const built = {
    base: imageOf([baseTar]),
    app: imageOf([baseTar, appTar]),
    hiding: imageOf([baseTar, hidingTar]),
    alone: imageOf([otherTar]),
  };
  for (const [name, image] of Object.entries(built)) {
    registry.put(name, '1', image);
    await store.toolkit.images.pull(`${registry.host}/${name}:1`, AMD64);
    await store.toolkit.images.tag(`${registry.host}/${name}:1`, name);
    await store.toolkit.images.remove([`${registry.host}/${name}:1`]);
  }
  return {
    images: store.toolkit.images,
    registry,
    built,
    which: async (subject: string) => (await store.toolkit.images.which(subject)).matches.map(summary).toSorted(),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

const summary = ({image, roles, layer, file}: WhichMatch): string =>
  [image.references[0]?.replace(':latest', ''), ...roles, ...(file ? [file.path] : []), layer?.number].join(' ').trim();

describe('images/which', ({test}) => {
  test('names the images that have a path, and the layer that brought it', async () => {
    await using family = await openFamily();
    assert.equal(await family.which('/bin/tool'), ['app /bin/tool 2', 'base /bin/tool 1']);
    assert.equal(await family.which('/etc/os-release'), [
      'app /etc/os-release 1',
      'base /etc/os-release 1',
      'hiding /etc/os-release 1',
    ]);
    assert.equal(await family.which('/srv/other'), ['alone /srv/other 1']);
    assert.equal(await family.which('/absent'), []);
    const [match] = (await family.images.which('/srv/app')).matches;
    assert.equal([match?.file?.size, match?.file?.type, match?.layer?.createdBy], [3, 'file', 'layer 2']);
    assert.is(match?.layer?.digest, family.built.app.layers[1]?.digest);
  });

  test('follows symlinks on the way as the image has them', async () => {
    await using family = await openFamily();
    await family.images.tag('hiding', 'twice');
    assert.equal(await family.which('/sbin'), ['hiding /sbin 2']);
    assert.equal(await family.which('/sbin/tool'), []);
  });

  test('says what a digest is to which images', async () => {
    await using family = await openFamily();
    const {base, app} = family.built;
    assert.equal(await family.which(app.config.digest), ['app config']);
    assert.equal(await family.which(app.manifest.digest), ['app manifest']);
    const layer = base.layers[0]?.digest ?? '';
    assert.equal(await family.which(layer), ['app layer 1', 'base layer 1', 'hiding layer 1']);
    assert.equal(await family.which(layer.slice(7, 23)), await family.which(layer));
    assert.equal(await family.which(base.diffIds[0] ?? ''), [
      'app diff-id chain-id 1',
      'base diff-id chain-id 1',
      'hiding diff-id chain-id 1',
    ]);
    const {layers} = await family.images.inspect('app');
    assert.equal(await family.which(layers[1]?.chainId ?? ''), ['app chain-id 2']);
    assert.equal(await family.which(`sha256:${'0'.repeat(64)}`), []);
  });

  test('an index is found by its digest', async () => {
    await using family = await openFamily();
    const built = buildIndex([family.built.app]);
    family.registry.put('multi', '1', built);
    await family.images.pull(`${family.registry.host}/multi:1`, AMD64);
    assert.equal(
      (await family.images.which(built.index.digest)).matches.map(({roles}) => roles),
      [['index']],
    );
  });

  test('names the images that it cannot search, since they are only downloaded', async () => {
    await using family = await openFamily();
    const foreign = imageOf([buildTar([{path: 'srv/app'}])], {platform: {os: 'linux', architecture: 's390x'}});
    family.registry.put('multi', '1', buildIndex([family.built.app, foreign]));
    await family.images.pull(`${family.registry.host}/multi:1`, {...AMD64, allPlatforms: true});
    const {matches, unsearched} = await family.images.which('/srv/app');
    assert.is(matches.length, 1);
    assert.equal(
      unsearched.map(({imageId}) => imageId),
      [foreign.config.digest],
    );
  });

  test('an empty store has nothing', async () => {
    await using store = await openTestStore();
    for (const subject of ['/etc/passwd', 'abcd']) {
      assert.equal(await store.toolkit.images.which(subject), {matches: [], unsearched: []});
    }
  });

  test('refuses what is neither a path nor a digest', async () => {
    await using store = await openTestStore();
    for (const subject of ['etc/passwd', '', 'abc', 'md5:abcdef', 'sha256:XYZ0']) {
      assert.is((await rejectionOf(store.toolkit.images.which(subject))).code, 'SUBJECT_INVALID', subject);
    }
  });
});
