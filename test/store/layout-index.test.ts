import {existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setImmediate} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import type {Database} from '../../src/store/database.ts';
import {deleteImage} from '../../src/store/image-records.ts';
import {recordIndexParts} from '../../src/store/index-parts.ts';
import {isLayoutIndexCurrent} from '../../src/store/layout-index.ts';
import {deleteTag, listTags, setTag} from '../../src/store/tags.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {imageOf} from '../images/sample-images.ts';
import {addImage, digestFor} from './sample-graph.ts';
import {openSampleStore, type SampleStore} from './sample-store.ts';

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

const PROGRAM = join(import.meta.dirname, 'layout-program.ts');
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const one = digestFor('one');
const tagOf = (reference: string) => ({reference, targetDigest: one, manifestDigest: one});

const indexPath = ({root}: SampleStore) => join(root, 'index.json');
const readIndex = (sample: SampleStore): readonly Entry[] =>
  JSON.parse(readFileSync(indexPath(sample), 'utf8')).manifests;
const nameIn = ({annotations}: Entry) => annotations?.['org.opencontainers.image.ref.name'] ?? null;
const namesIn = (sample: SampleStore) => readIndex(sample).map(nameIn);
const isCurrent = ({store}: SampleStore) => store.read((database) => isLayoutIndexCurrent(store.paths, database), null);

/** A store with the image `one` and these tags of it. */
async function openTagged(...references: readonly string[]): Promise<SampleStore> {
  const sample = openSampleStore();
  await sample.store.write((database) => {
    addImage(database, {name: 'one', layers: 'ab'});
    for (const reference of references) setTag(database, tagOf(reference), 0);
  });
  return sample;
}

describe('store/layout-index', ({test}) => {
  test('lists every tag by its whole name, and images that no tag leads to', async () => {
    using sample = await openTagged('docker.io/library/b:1', 'docker.io/library/a:1');
    const two = await sample.store.write((database) => addImage(database, {name: 'two', layers: 'a'}));
    const common = {mediaType: MANIFEST_TYPE, size: 1, platform: {architecture: 'amd64', os: 'linux'}};
    const named = (name: string) => ({annotations: {'org.opencontainers.image.ref.name': name}});
    assert.equal(readIndex(sample), [
      {...common, digest: one, ...named('docker.io/library/a:1')},
      {...common, digest: one, ...named('docker.io/library/b:1')},
      {...common, digest: two},
    ]);
    assert.equal(readFileSync(join(sample.root, 'oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}');
  });

  test('names the index that a tag names, and the image when that is lost', async () => {
    using sample = await openTagged();
    const {index} = buildIndex([imageOf([])], 'docker');
    const indexed = {...tagOf('app:1'), targetDigest: index.digest as typeof one};
    await sample.store.blobs.put(indexed.targetDigest, index.bytes);
    await sample.store.write((database) => {
      setTag(database, indexed, 0);
      recordIndexParts(database, indexed.targetDigest, [{digest: one, kind: 'image'}]);
    });
    const [entry] = readIndex(sample);
    assert.equal(
      [entry?.digest, entry?.mediaType, entry?.size, entry?.platform],
      [index.digest, 'application/vnd.docker.distribution.manifest.list.v2+json', index.bytes.length, undefined],
    );
    rmSync(sample.store.paths.blob(indexed.targetDigest));
    rmSync(indexPath(sample));
    await sample.store.write(() => {});
    assert.equal(
      readIndex(sample).map(({digest}) => digest),
      [one],
    );
  });

  test('goes when the last image goes, and with the files of a write that was broken off', async () => {
    using sample = await openTagged('app:1');
    writeFileSync(`${indexPath(sample)}.tmp`, '{');
    await sample.store.write((database) => {
      deleteTag(database, 'app:1', 2);
      deleteImage(database, one);
    });
    for (const name of ['index.json', 'index.json.tmp', 'oci-layout']) {
      assert.is(statSync(join(sample.root, name), {throwIfNoEntry: false}), undefined, name);
    }
    assert.is(isCurrent(sample), true);
  });

  test('stays as it is when nothing changed, in a dry run, and in a transaction that fails', async () => {
    using sample = await openTagged('app:1');
    const before = statSync(indexPath(sample), {bigint: true});
    await sample.store.write((database) => setTag(database, tagOf('app:1'), 1));
    const steps = [(database: Database) => deleteTag(database, 'app:1', 2)];
    const leaving = {images: new Set<string>([one]), blobs: new Set<string>()};
    await sample.store.collectGarbage({isDryRun: true, choose: () => ({...leaving, steps})});
    const failing = sample.store.write((database) => {
      deleteTag(database, 'app:1', 2);
      throw new Error('enough');
    });
    assert.is((await failing.catch((error: Error) => error)).message, 'enough');
    const after = statSync(indexPath(sample), {bigint: true});
    assert.equal([after.ino, after.mtimeNs], [before.ino, before.mtimeNs]);
  });

  for (const [what, damage] of [
    ['missing', (path: string) => rmSync(path)],
    ['empty', (path: string) => truncateSync(path)],
    ['cut off', (path: string) => truncateSync(path, 150)],
  ] as const) {
    test(`is made good by the next change when it is ${what}`, async () => {
      using sample = await openTagged('app:1');
      for (const path of [indexPath(sample), join(sample.root, 'oci-layout')]) {
        const whole = readFileSync(path, 'utf8');
        damage(path);
        assert.is(isCurrent(sample), existsSync(path) && readFileSync(path, 'utf8') === whole);
        await sample.store.write(() => {});
        assert.is(readFileSync(path, 'utf8'), whole);
        assert.is(isCurrent(sample), true);
      }
    });
  }

  test('is made good when it is older than the database, and told from one whose entries were changed', async () => {
    using sample = await openTagged('app:1');
    const old = readFileSync(indexPath(sample), 'utf8');
    await sample.store.write((database) => setTag(database, tagOf('app:2'), 0));
    const whole = readFileSync(indexPath(sample), 'utf8');
    writeFileSync(indexPath(sample), old);
    assert.is(isCurrent(sample), false);
    await sample.store.write(() => {});
    assert.is(readFileSync(indexPath(sample), 'utf8'), whole);
    assert.is(isCurrent(sample), true);
    writeFileSync(indexPath(sample), whole.replace('"size":1', '"size":7'));
    assert.is(isCurrent(sample), false);
  });

  test('asks for what an index is once, and again when what was written is not right', async () => {
    using sample = await openTagged();
    const {index} = buildIndex([imageOf([])], 'docker');
    const targetDigest = index.digest as typeof one;
    await sample.store.blobs.put(targetDigest, index.bytes);
    await sample.store.write((database) => setTag(database, {...tagOf('app:1'), targetDigest}, 0));
    for (const [written, wrong] of [
      [index.mediaType, MANIFEST_TYPE],
      [`"size":${index.bytes.length}`, '"size":7'],
    ] as const) {
      const damaged = readFileSync(indexPath(sample), 'utf8').replace(written, wrong);
      writeFileSync(indexPath(sample), damaged);
      await sample.store.write((database) => setTag(database, tagOf(`other${wrong.length}:1`), 0));
      const [entry] = readIndex(sample);
      assert.equal([entry?.mediaType, entry?.size], [index.mediaType, index.bytes.length]);
    }
  });

  test('is in the way of no change when it cannot be written', async () => {
    using sample = await openTagged('app:1');
    rmSync(indexPath(sample));
    mkdirSync(indexPath(sample));
    await sample.store.write((database) => setTag(database, tagOf('app:2'), 0));
    assert.is(sample.store.read(listTags, []).length, 2);
    assert.is(isCurrent(sample), false);
  });

  test('is made good after a process that was killed before its commit', async () => {
    using sample = await openTagged('app:1');
    await runProgram(process.execPath, [PROGRAM, sample.root, 'never:1', 'killed']).catch(() => {});
    assert.equal(namesIn(sample), ['app:1', 'never:1'], 'it was written before the commit');
    assert.is(isCurrent(sample), false);
    await sample.store.write(() => {});
    assert.equal(namesIn(sample), ['app:1']);
  });

  test('follows many processes at once, and is whole whenever it is read', async () => {
    using sample = await openTagged();
    const names = ['a', 'b', 'c'];
    let isRunning = true;
    const running = Promise.all(
      names.map((name) => runProgram(process.execPath, [PROGRAM, sample.root, name, '15'])),
    ).finally(() => {
      isRunning = false;
    });
    while (isRunning) {
      assert.ok(readIndex(sample).length > 0);
      await setImmediate();
    }
    for (const {exitCode, stderr} of await running) assert.is(exitCode, 0, stderr);
    const tags = sample.store.read(listTags, []).map(({reference}) => reference);
    assert.is(tags.length, names.length * 10);
    assert.equal(namesIn(sample), tags);
  });
});
