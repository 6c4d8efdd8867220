import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {digestHex} from '../../src/oci/digest.ts';
import {recordLayerFile} from '../../src/store/image-records.ts';
import {openLeases} from '../../src/store/leases.ts';
import {describe} from '../helpers/suite.ts';
import {digestFor, layerFileFor} from './sample-graph.ts';
import {openSampleStore, type SampleStore} from './sample-store.ts';

const PROGRAM = fileURLToPath(new URL('lease-program.ts', import.meta.url));
const BYTES = 7;
const TEN_YEARS_MS = 10 * 365 * 24 * 60 * 60 * 1000;

describe('store/leases', ({test}) => {
  const start = (...words: readonly string[]) =>
    spawn(process.execPath, [PROGRAM, ...words], {stdio: ['ignore', 'pipe', 'inherit']});
  const put = (path: string, mtimeMs = Date.now()) => {
    mkdirSync(dirname(path), {recursive: true});
    writeFileSync(path, Buffer.alloc(BYTES));
    utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
  };
  /** Every kind of file that a pull of a layer leaves before there is an image. */
  const filesOf = ({store}: SampleStore, name: string) => {
    const {paths} = store;
    const digest = digestFor(name);
    return [
      paths.blob(digest),
      paths.partialBlob(digest),
      paths.layer(digest),
      join(paths.ingest, `layer-sha256-${digestHex(digest)}`),
      join(paths.ingest, `${digestHex(digest)}.0123456789ab.tmp`),
      `${paths.blob(digest)}.0123456789ab.tmp`,
      join(paths.locks, `blob-${digestHex(digest)}.lock`),
      join(paths.locks, `layer-${digestHex(digest)}.lock`),
    ];
  };
  const recordLayer = (sample: SampleStore, name: string) =>
    sample.store.write((database) => recordLayerFile(database, layerFileFor(name)));
  const countLayers = ({store}: SampleStore) =>
    store.read((database) => Number(database.get('SELECT count(*) AS rows FROM layer')?.rows), 0);
  const present = (files: readonly string[]) => files.filter((path) => existsSync(path));
  const listLeases = ({store}: SampleStore) => readdirSync(store.paths.claims);

  test('what is claimed stays as it is, named by no image, and all else goes', async () => {
    using sample = openSampleStore();
    using lease = await sample.open().lease();
    const own = lease.temporaryPath();
    put(own);
    const [claimed, other] = [filesOf(sample, 'claimed'), filesOf(sample, 'other')];
    for (const path of [...claimed, ...other]) put(path);
    for (const name of ['claimed', 'other']) await recordLayer(sample, name);
    await lease.claim([digestFor('claimed')]);
    const {keptBytes, keptFor} = await sample.store.collectGarbage({takesPartials: true});
    assert.equal(present(claimed), claimed);
    assert.ok(existsSync(own));
    assert.equal(present(other), []);
    assert.is(countLayers(sample), 1);
    assert.equal([keptBytes, keptFor], [7 * BYTES, []], 'locks are not counted, and this process is not named');
    lease.release();
    assert.is((await sample.store.collectGarbage({takesPartials: true})).keptBytes, 0);
    assert.equal(present([...claimed, own]), []);
    assert.is(countLayers(sample), 0);
    assert.equal(listLeases(sample), []);
  });

  test('the claims of another process are kept and named, and end with it', async () => {
    using sample = openSampleStore();
    await sample.store.write(() => {});
    const path = sample.store.paths.blob(digestFor('blob'));
    put(path);
    const holder = start('hold', sample.root, 'blob');
    await once(holder.stdout, 'data');
    const kept = await sample.store.collectGarbage();
    assert.equal([kept.freedBytes, kept.keptBytes], [0, BYTES]);
    assert.equal(
      kept.keptFor.map(({pid}) => pid),
      [holder.pid],
    );
    assert.ok(sample.store.readClaims().has(digestFor('blob')));
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    assert.not.ok(sample.store.readClaims().has(digestFor('blob')));
    assert.is((await sample.store.collectGarbage()).freedBytes, BYTES);
    assert.equal(listLeases(sample), [], 'what the dead process left goes as well');
  });

  test('nobody claims anything while a collector looks, and nobody waits longer than that', async () => {
    using sample = openSampleStore();
    const leases = openLeases(sample.store.paths);
    using lease = await leases.open();
    const gate = leases.tryHoldOff();
    assert.ok(gate);
    let isClaimed = false;
    const claiming = lease.claim([digestFor('blob')]).then(() => {
      isClaimed = true;
    });
    assert.is(leases.tryHoldOff(), null);
    await nextTurn();
    assert.not.ok(leases.read().has(digestFor('blob')));
    assert.not.ok(isClaimed);
    gate.release();
    await claiming;
    assert.ok(leases.read().has(digestFor('blob')));
  });

  test('what a full disk left of a claim spoils no later one', async () => {
    using sample = openSampleStore();
    const {paths} = sample.store;
    const leases = openLeases(paths);
    using lease = await leases.open();
    await lease.claim([digestFor('first')]);
    const [id = ''] = readdirSync(paths.claims).filter((name) => !name.endsWith('.lock'));
    writeFileSync(join(paths.claims, id), digestFor('torn').slice(0, 20), {flag: 'a'});
    await lease.claim([digestFor('second')]);
    const claims = leases.read();
    assert.equal(
      ['first', 'torn', 'second'].map((name) => claims.has(digestFor(name))),
      [true, false, true],
    );
  });

  test('S10 whoever claims first and looks then loses nothing to collections that go on all the time', async () => {
    using sample = openSampleStore();
    await sample.store.write(() => {});
    const names = ['a', 'b', 'c', 'd'];
    const users = names.map((name) => start('use', sample.root, '40', name, 'shared'));
    const said: string[] = [];
    for (const {stdout} of users) stdout.on('data', (text) => said.push(String(text)));
    const exits = Promise.all(users.map(async (user) => (await once(user, 'exit'))[0]));
    let isOver = false;
    const end = exits.finally(() => {
      isOver = true;
    });
    let freedBytes = 0;
    while (!isOver) freedBytes += (await sample.store.collectGarbage()).freedBytes;
    assert.equal([await end, said], [[0, 0, 0, 0], []]);
    assert.ok(freedBytes > 0, 'collections took what nobody claimed');
  });

  for (const [when, years] of [
    ['behind', -1],
    ['ahead', 1],
  ] as const) {
    test(`S14 a clock that is ten years ${when} has no say in what is in use`, async () => {
      using sample = openSampleStore();
      const fileTime = Date.now() + years * TEN_YEARS_MS;
      const [claimed, other] = [filesOf(sample, 'claimed'), filesOf(sample, 'other')];
      using lease = await sample.open().lease();
      await lease.claim([digestFor('claimed')]);
      for (const path of [...claimed, ...other]) put(path, fileTime);
      for (const now of [Date.now(), fileTime]) await sample.store.collectGarbage({now});
      assert.equal(present(claimed), claimed);
      assert.equal(present(other), [], 'of an unfinished download only the bytes are lost');
    });
  }

  test('S14 an unfinished download that nobody works on is kept by a clock that is right', async () => {
    using sample = openSampleStore();
    const path = sample.store.paths.partialBlob(digestFor('partial'));
    put(path);
    await sample.store.collectGarbage({now: Date.now()});
    assert.ok(existsSync(path));
    await sample.store.collectGarbage({now: Date.now() + TEN_YEARS_MS});
    assert.not.ok(existsSync(path));
  });
});
