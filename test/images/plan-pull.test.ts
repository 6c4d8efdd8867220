import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openStore} from '../../src/store/store.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

describe('images/plan-pull', ({test}) => {
  test('says what is here, what is begun and what is missing, and stores nothing', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const image = imageOf([baseTar, appTar, otherTar]);
    registry.put('base', '1', imageOf([baseTar]));
    registry.put('app', '1', image);
    await store.toolkit.images.pull(`${registry.host}/base:1`, AMD64);
    const [base, begun, missing] = image.layers;
    if (!base || !begun || !missing) throw new Error('three were built');
    mkdirSync(join(store.root, 'ingest'), {recursive: true});
    writeFileSync(join(store.root, 'ingest', begun.digest.replace(':', '-').replace(/^/, 'blob-')), 'half of it');
    const asked = registry.requests.length;
    const plan = await store.toolkit.images.plan(`${registry.host}/app:1`, AMD64);
    assert.equal(
      plan.layers.map(({digest, state, storedBytes}) => ({digest, state, storedBytes})),
      [
        {digest: base.digest, state: 'present', storedBytes: base.bytes.length},
        {digest: begun.digest, state: 'partial', storedBytes: 10},
        {digest: missing.digest, state: 'missing', storedBytes: 0},
      ],
    );
    assert.is(plan.bytesReused, base.bytes.length + 10);
    assert.is(plan.bytesToFetch, begun.bytes.length - 10 + missing.bytes.length);
    assert.ok(plan.diskBytes > plan.bytesToFetch && plan.isDiskEstimated);
    assert.equal(
      [plan.digest, plan.platforms, plan.login, plan.rateLimit],
      [image.manifest.digest, ['linux/amd64'], null, null],
    );
    assert.equal(plan.sources, [{host: registry.host, isMirror: false, file: null}]);
    const seen = registry.requests.slice(asked);
    assert.equal(
      seen.filter(({class: kind}) => kind === 'blob').map(({url}) => url.endsWith(image.config.digest)),
      [true],
    );
    assert.is((await store.toolkit.images.list()).length, 1);
    const whole = await store.toolkit.images.plan(`${registry.host}/base:1`, AMD64);
    assert.equal([whole.bytesToFetch, whole.diskBytes, whole.isDiskEstimated], [0, 0, false]);
  });

  test('sees that somebody else is downloading', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const image = imageOf([baseTar]);
    registry.put('app', '1', image);
    const digest = image.layers[0]?.digest;
    if (!digest) throw new Error('one was built');
    mkdirSync(join(store.root, 'ingest'), {recursive: true});
    writeFileSync(join(store.root, 'ingest', `blob-${digest.replace(':', '-')}`), '');
    const other = openStore({root: store.root, durability: 'fast'});
    using _lock = await other.lock('blob', digest, {});
    const plan = await store.toolkit.images.plan(`${registry.host}/app:1`, AMD64);
    assert.equal(
      plan.layers.map(({state}) => state),
      ['fetching'],
    );
    other.close();
  });

  test('counts every platform of an index, shared layers once, and tells the quota of the reply', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const arm = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}});
    const amd = imageOf([baseTar, appTar]);
    registry.put('app', '1', buildIndex([amd, arm]));
    registry.setFaults([
      {on: 'manifest', headers: {'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600'}},
    ]);
    const plan = await store.toolkit.images.plan(`${registry.host}/app:1`, {...AMD64, allPlatforms: true});
    assert.equal(plan.platforms, ['linux/amd64', 'linux/arm64/v8']);
    assert.equal(
      plan.layers.map(({digest}) => digest),
      [...new Set([...amd.layers, ...arm.layers].map(({digest}) => digest))],
    );
    assert.equal([plan.rateLimit?.remaining, plan.rateLimit?.limit], [76, 100]);
    assert.not.ok(existsSync(store.root), 'not even a store');
    assert.is((await rejectionOf(store.toolkit.images.plan(`${registry.host}/app:2`))).code, 'MANIFEST_UNKNOWN');
  });
});
