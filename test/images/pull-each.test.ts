import * as assert from 'uvu/assert';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {isWinchError} from '../../src/errors.ts';
import type {PullOutcome} from '../../src/images/pull-each.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

async function collect(outcomes: AsyncIterable<PullOutcome>): Promise<readonly PullOutcome[]> {
  const collected: PullOutcome[] = [];
  for await (const outcome of outcomes) collected.push(outcome);
  return collected;
}

const endings = (outcomes: readonly PullOutcome[]): readonly string[] =>
  outcomes.map((outcome) => {
    if ('pulled' in outcome) return `${outcome.reference} ${outcome.pulled.imageId}`;
    return `${outcome.reference} ${isWinchError(outcome.error) ? outcome.error.code : outcome.error}`;
  });

const blobRequests = (registry: RegistryServer, digest: string): number =>
  registry.requests.filter(({class: kind, url}) => kind === 'blob' && url.endsWith(digest)).length;

describe('images/pull-each', ({test}) => {
  test('pulls several at once, shared layers once, and tells of each in the order given', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const images = {a: imageOf([baseTar, appTar]), b: imageOf([baseTar, otherTar]), c: imageOf([baseTar])};
    for (const [tag, image] of Object.entries(images)) registry.put('app', tag, image);
    // The first is the slowest.
    registry.setFaults([{on: 'manifest', matching: 'app/manifests/a', slow: {bytes: 100, pauseMs: 20}}]);
    const name = (tag: string) => `${registry.host}/app:${tag}`;
    const references = [name('a'), name('none'), name('b'), name('c')];
    const outcomes = await collect(store.toolkit.images.pullEach(references, AMD64));
    assert.equal(endings(outcomes), [
      `${name('a')} ${images.a.config.digest}`,
      `${name('none')} MANIFEST_UNKNOWN`,
      `${name('b')} ${images.b.config.digest}`,
      `${name('c')} ${images.c.config.digest}`,
    ]);
    for (const {layers} of Object.values(images))
      for (const {digest} of layers) assert.is(blobRequests(registry, digest), 1);
    assert.is((await store.toolkit.images.list()).length, 3);
  });

  test('pulls every tag of a repository, and of nothing else', async () => {
    await using registry = await startRegistry({tagsPerPage: 2});
    await using store = await openTestStore();
    for (const tag of ['1', '2', '3']) registry.put('team/app', tag, imageOf([baseTar]));
    registry.put('team/other', '1', imageOf([otherTar]));
    const repository = `${registry.host}/team/app`;
    const pullAll = (text: string) => collect(store.toolkit.images.pullEach([text], {...AMD64, allTags: true}));
    assert.equal(
      (await pullAll(repository)).map(({reference}) => reference),
      ['1', '2', '3'].map((tag) => `${repository}:${tag}`),
    );
    assert.equal((await store.toolkit.images.list()).map(({tag}) => tag).toSorted(), ['1', '2', '3']);
    assert.is((await rejectionOf(pullAll(`${repository}:1`))).code, 'TAG_UNEXPECTED');
    assert.is((await rejectionOf(pullAll(`${registry.host}/team/none`))).code, 'NAME_UNKNOWN');
  });

  test('an abort ends all of them with its reason', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    for (const tag of ['1', '2', '3']) registry.put('app', tag, imageOf([baseTar]));
    registry.setFaults([{on: 'manifest', hang: true}]);
    const reason = new Error('enough');
    const controller = new AbortController();
    const references = ['1', '2', '3'].map((tag) => `${registry.host}/app:${tag}`);
    const onEvent = () => controller.abort(reason);
    const pulling = collect(store.toolkit.images.pullEach(references, {...AMD64, signal: controller.signal, onEvent}));
    assert.is(await pulling.catch((error: unknown) => error), reason);
    assert.ok(registry.requests.filter(({class: kind}) => kind === 'manifest').length <= 2);
  });
});
