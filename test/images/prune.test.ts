import {existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildIndex, type ImageSource} from '../../fixtures/build-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {createLeasedDirectory} from '../../src/host/leased-directories.ts';
import {noteImageInUse} from '../../src/images/images-in-use.ts';
import type {LabelFilter} from '../../src/images/prune.ts';
import {openStore} from '../../src/store/store.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};

/** Images by name, each under the tag of its name. */
async function openSample(sources: Readonly<Record<string, readonly [readonly Buffer[], Partial<ImageSource>?]>>) {
  const registry = await startRegistry();
  const store = await openTestStore();
  const ids = new Map<string, string>();
  for (const [name, [layers, source]] of Object.entries(sources)) {
    const image = imageOf(layers, source);
    registry.put(name, '1', image);
    await store.toolkit.images.pull(`${registry.host}/${name}:1`, AMD64);
    ids.set(image.config.digest, name);
  }
  const {images} = store.toolkit;
  const reference = (name: string) => `${registry.host}/${name}:1`;
  return {
    images,
    reference,
    root: store.root,
    open: store.open,
    nameOf: (id: string) => ids.get(id),
    idOf: async (name: string) => (await images.inspect(reference(name))).imageId,
    names: async () => [...new Set((await images.list()).map(({imageId}) => ids.get(imageId)))].toSorted(),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

type Sample = Awaited<ReturnType<typeof openSample>>;

const openPair = () => openSample({one: [[baseTar, appTar]], two: [[baseTar, otherTar]]});

const label = (name: string, value: string | null = null, isExcluded = false): LabelFilter => ({
  name,
  value,
  isExcluded,
});

describe('images/prune', ({test}) => {
  test('removes images without a tag and what only they need, and nothing else', async () => {
    await using sample = await openPair();
    const {images, reference} = sample;
    const idOfTwo = await sample.idOf('two');
    await images.tag(reference('one'), reference('two'));
    const before = await images.usage();
    const report = await images.prune();
    assert.equal([report.untagged, report.deleted], [[], [idOfTwo]]);
    assert.equal(await sample.names(), ['one']);
    const after = await images.usage();
    assert.is(after.images.reclaimableBytes, 0);
    assert.ok(Number(report.freedBytes) > 0);
    assert.is(before.images.bytes - after.images.bytes, before.images.reclaimableBytes);
    assert.equal((await images.prune()).deleted, []);
  });

  test('a dry run says the same and changes nothing', async () => {
    await using sample = await openPair();
    const before = await sample.images.usage();
    const dry = await sample.images.prune({all: true, isDryRun: true});
    assert.is(dry.deleted.length, 2);
    assert.equal((await sample.images.usage()).images, before.images);
    assert.equal(await sample.names(), ['one', 'two']);
    assert.equal(await sample.images.prune({all: true}), dry);
    assert.equal(await sample.images.list(), []);
  });

  test('all leaves a store without a blob and without a layer', async () => {
    await using sample = await openPair();
    const {untagged} = await sample.images.prune({all: true});
    assert.equal(untagged.toSorted(), [sample.reference('one'), sample.reference('two')]);
    for (const name of ['blobs', 'layers']) assert.equal(readdirSync(join(sample.root, name, 'sha256')), [], name);
    const {layers, blobs, images} = await sample.images.usage();
    assert.equal([layers.bytes, blobs.bytes, images.count], [0, 0, 0]);
  });

  test('forgets what a name was once it and all of its images are gone, and not before', async () => {
    await using sample = await openPair();
    const {images, reference} = sample;
    const [one, two] = [reference('one'), reference('two')];
    await images.tag(one, two);
    await images.remove([one]);
    await images.prune({isDryRun: true, all: true});
    assert.is((await images.tagHistory(one)).length, 2);
    assert.is((await images.prune()).deleted.length, 1);
    assert.is((await images.tagHistory(one)).length, 2, 'its image is still there under another name');
    await images.prune({all: true});
    for (const name of [one, two]) assert.is((await rejectionOf(images.tagHistory(name))).code, 'TAG_UNKNOWN');
  });

  test('keeps the image of a running container, tagged or not', async () => {
    await using sample = await openSample({one: [[baseTar]], two: [[appTar]], three: [[otherTar]]});
    const containers = join(sample.root, 'containers');
    mkdirSync(containers, {recursive: true});
    const running = ['one', 'two'].map((name) => ({name, ...createLeasedDirectory(containers, name)}));
    const note = async (name: string) => ({imageId: await sample.idOf(name), name: null, mountedIds: []});
    for (const {name, path} of running) noteImageInUse(path, await note(name));
    // What a killed run has left.
    const dead = join(containers, 'dead');
    mkdirSync(dead);
    noteImageInUse(dead, await note('three'));
    await sample.images.tag(sample.reference('three'), sample.reference('two'));
    await sample.images.prune({all: true});
    assert.equal(await sample.names(), ['one', 'two']);
    assert.not.ok(existsSync(dead));
    for (const {remove} of running) remove();
    await sample.images.prune({all: true});
    assert.equal(await sample.names(), []);
  });

  test('removes by age of the image, and keeps one that does not tell its age', async () => {
    const made = (created: string | undefined) => ({document: {created}});
    await using sample = await openSample({
      old: [[baseTar], made('2020-01-01T00:00:00Z')],
      young: [[appTar], made('2025-01-01T00:00:00+00:00')],
      ageless: [[otherTar], made(undefined)],
    });
    await sample.images.prune({all: true, createdBefore: Date.parse('2024-01-01T00:00:00Z')});
    assert.equal(await sample.names(), ['ageless', 'young']);
  });

  const labelled: readonly [title: string, labels: readonly LabelFilter[], kept: readonly string[]][] = [
    ['a label', [label('a')], ['plain']],
    ['a label with its value', [label('a', '1')], ['plain', 'two']],
    ['several labels, all of which it needs', [label('a'), label('b')], ['one', 'plain']],
    ['a label that it must not have', [label('b', null, true)], ['two']],
    ['no inherited property of an object', [label('constructor')], ['one', 'plain', 'two']],
  ];
  for (const [title, labels, kept] of labelled) {
    test(`removes by ${title}`, async () => {
      await using sample = await openSample({
        one: [[baseTar], {config: {Labels: {a: '1'}}}],
        two: [[appTar], {config: {Labels: {a: '2', b: ''}}}],
        plain: [[otherTar]],
      });
      await sample.images.prune({all: true, labels});
      assert.equal(await sample.names(), kept);
    });
  }

  test('an image whose config is damaged matches no label', async () => {
    await using sample = await openPair();
    const id = await sample.idOf('one');
    writeFileSync(join(sample.root, 'blobs', id.replace(':', '/')), 'damaged');
    await sample.images.prune({all: true, labels: [label('a', null, true)]});
    assert.equal(await sample.names(), ['one']);
  });

  test('a tag goes with all of its platforms or stays with all of them', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const platform = {os: 'linux', architecture: 'arm64'};
    const marked = imageOf([baseTar], {config: {Labels: {a: '1'}}});
    registry.put('app', '1', buildIndex([marked, imageOf([appTar], {platform})]));
    const {images} = store.toolkit;
    await images.pull(`${registry.host}/app:1`, {allPlatforms: true});
    assert.equal((await images.prune({all: true, labels: [label('a')]})).deleted, []);
    assert.is((await images.list()).length, 2);
    const {untagged, deleted} = await images.prune({all: true});
    assert.equal([untagged.length, deleted.length], [1, 2]);
    assert.is((await images.usage()).blobs.count, 0);
  });

  test('takes unfinished downloads only when told', async () => {
    await using sample = await openPair();
    const partial = join(sample.root, 'ingest', `blob-sha256-${'0'.repeat(64)}`);
    writeFileSync(partial, Buffer.alloc(5000));
    assert.is((await sample.images.prune()).freedBytes, 0);
    assert.ok(existsSync(partial));
    assert.is((await sample.images.prune({partials: true})).freedBytes, 5000);
    assert.not.ok(existsSync(partial));
  });

  for (const [verb, open] of [
    ['saved', (sample: Sample) => sample.images.save([sample.reference('one')])],
    ['exported', (sample: Sample) => sample.images.export(sample.reference('one'))],
  ] as const) {
    test(`an image that is being ${verb} is whole to its end, whatever is pruned or removed`, async () => {
      await using sample = await openPair();
      const {images, reference} = sample;
      const [one, two] = [await sample.idOf('one'), await sample.idOf('two')];
      const whole = await open(sample);
      const bytes = await buffer(whole.content);
      await whole.close();
      const opened = await open(sample);
      const pruned = await images.prune({all: true});
      assert.equal(pruned.deleted, [two]);
      const removed = await images.remove([reference('one')]);
      assert.equal(removed.deleted, [one]);
      assert.ok(removed.keptBytes > 0);
      assert.ok((await buffer(opened.content)).equals(bytes));
      await opened.close();
      const {freedBytes, keptBytes} = await images.prune();
      assert.equal([freedBytes, keptBytes], [removed.keptBytes, 0]);
      assert.is((await images.usage()).blobs.count, 0);
    });
  }

  test('somebody who holds a lease keeps nothing that he does not claim', async () => {
    await using sample = await openPair();
    const store = openStore({root: sample.root, durability: 'fast'});
    const lease = await store.lease();
    assert.is((await sample.images.prune({all: true})).deleted.length, 2);
    assert.equal(await sample.names(), []);
    lease.release();
    store.close();
  });
});
