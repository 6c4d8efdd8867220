import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import type {SyncOptions, SyncOutcome} from '../../src/images/copy/sync.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const tarOf = (content: string) => buildTar([{path: 'version', content}]);
const VERSIONS = ['1.0.0', '1.1.0', '2.0.0', 'edge'] as const;
const imageOfVersion = (version: string) => imageOf([baseTar, tarOf(version)]);
const multi = buildIndex([
  imageOf([baseTar, appTar]),
  imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm64'}}),
]);

interface Lab extends AsyncDisposable {
  readonly from: RegistryServer;
  readonly to: RegistryServer;
  readonly store: TestStore;
  sync(options?: SyncOptions): Promise<readonly SyncOutcome[]>;
}

async function openLab(): Promise<Lab> {
  const [from, to, store] = [await startRegistry(), await startRegistry(), await openTestStore()];
  for (const version of VERSIONS) from.put('app', version, imageOfVersion(version));
  const request = {source: `${from.host}/app`, target: `${to.host}/mirror/app`};
  return {
    from,
    to,
    store,
    sync: async (options) => await collect(store.toolkit.images.sync(request, options)),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await from.close();
      await to.close();
    },
  };
}

async function collect(outcomes: AsyncIterable<SyncOutcome>): Promise<readonly SyncOutcome[]> {
  const all: SyncOutcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

const tagsAt = async (registry: RegistryServer, repository: string): Promise<readonly string[]> => {
  const reply = await fetch(`${registry.origin}/v2/${repository}/tags/list`);
  return reply.status === 200 ? (((await reply.json()) as {tags: string[]}).tags ?? []) : [];
};

const asked = (registry: RegistryServer, since: number) =>
  registry.requests.slice(since).map((request) => `${request.method} ${request.class}`);

describe('images/sync', ({test}) => {
  test('brings every tag, puts what they share once, and then costs two looks at each', async () => {
    await using lab = await openLab();
    lab.from.put('app', 'multi', multi);
    const outcomes = await lab.sync();
    assert.equal(
      outcomes.map(({tag}) => tag),
      [...VERSIONS, 'multi'],
    );
    assert.equal(await tagsAt(lab.to, 'mirror/app'), [...VERSIONS, 'multi']);
    const shared = imageOfVersion('1.0.0').layers[0]?.digest ?? '';
    const downloads = lab.from.requests.filter(({method, url}) => method === 'GET' && url.includes(shared));
    assert.is(downloads.length, 1);
    const [from, to] = [lab.from.requests.length, lab.to.requests.length];
    const again = await lab.sync();
    assert.ok(again.every((outcome) => 'changed' in outcome && !outcome.changed && outcome.bytes === 0));
    assert.equal(asked(lab.from, from).toSorted(), ['GET tags', ...Array(5).fill('HEAD manifest')]);
    assert.equal(asked(lab.to, to), Array(5).fill('HEAD manifest'));
  });

  test('chooses tags by glob and by range of versions', async () => {
    await using lab = await openLab();
    await lab.sync({include: ['semver:>=1.1'], exclude: ['2.*']});
    assert.equal(await tagsAt(lab.to, 'mirror/app'), ['1.1.0']);
    assert.is((await rejectionOf(lab.sync({include: ['semver:frob']}))).code, 'TAG_PATTERN_INVALID');
  });

  test('says what it would copy with the bytes that lack, and copies nothing', async () => {
    await using lab = await openLab();
    lab.to.put('mirror/app', '1.0.0', imageOfVersion('1.0.0'));
    const planned = await lab.sync({dryRun: true, exclude: ['edge']});
    assert.equal(await tagsAt(lab.to, 'mirror/app'), ['1.0.0']);
    assert.ok(lab.to.requests.every(({method}) => method === 'HEAD' || method === 'GET'));
    const bytesOf = (tag: string) =>
      planned.flatMap((outcome) => ('bytes' in outcome && outcome.tag === tag ? outcome.bytes : []))[0];
    const expected = (version: string) => {
      const {manifest, config, layers} = imageOfVersion(version);
      // The base layer is there already.
      return manifest.bytes.length + config.bytes.length + (layers[1]?.bytes.length ?? 0);
    };
    assert.is(bytesOf('1.0.0'), 0);
    assert.is(bytesOf('1.1.0'), expected('1.1.0'));
    assert.is(bytesOf('2.0.0'), expected('2.0.0'));
    const done = await lab.sync({exclude: ['edge']});
    const sent = done.flatMap((outcome) => ('bytes' in outcome && outcome.tag === '2.0.0' ? outcome.bytes : []));
    assert.equal(sent, [expected('2.0.0')]);
  });

  test('leaves tags that the target has, when it is told so', async () => {
    await using lab = await openLab();
    lab.to.put('mirror/app', '1.0.0', imageOfVersion('something else'));
    const outcomes = await lab.sync({skipExisting: true});
    assert.equal(
      outcomes.map(({tag}) => tag),
      ['1.1.0', '2.0.0', 'edge'],
    );
    const reply = await fetch(`${lab.to.origin}/v2/mirror/app/manifests/1.0.0`, {method: 'HEAD'});
    assert.is(reply.headers.get('docker-content-digest'), imageOfVersion('something else').manifest.digest);
  });

  test('stops at the first failure, or goes on and tells of it', async () => {
    await using lab = await openLab();
    const broken = imageOfVersion('1.0.0').layers[1]?.digest ?? '';
    const faults = [{on: 'blob', matching: broken, method: 'GET', status: 404, body: '{}'}] as const;
    lab.from.setFaults(faults);
    assert.is((await rejectionOf(lab.sync())).code, 'BLOB_UNKNOWN');
    const outcomes = await lab.sync({keepGoing: true});
    assert.equal(
      outcomes.map((outcome) => [outcome.tag, 'error' in outcome]),
      VERSIONS.map((version) => [version, version === '1.0.0']),
    );
    assert.equal(await tagsAt(lab.to, 'mirror/app'), ['1.1.0', '2.0.0', 'edge']);
  });

  test('passes over the tags that only list referrers, and refuses an image for a repository', async () => {
    await using lab = await openLab();
    lab.from.put('app', `sha256-${'a'.repeat(64)}`, imageOfVersion('list'));
    assert.equal(
      (await lab.sync()).map(({tag}) => tag),
      [...VERSIONS],
    );
    const request = {source: `${lab.from.host}/app:1.0.0`, target: `${lab.to.host}/app`};
    assert.is((await rejectionOf(collect(lab.store.toolkit.images.sync(request)))).code, 'TAG_UNEXPECTED');
  });
});
