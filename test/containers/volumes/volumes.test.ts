import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import {gzipSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {buildTar} from '../../../fixtures/build-tar.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';

describe('containers/volumes/volumes', ({test, before, after}) => {
  let opened: TestStore | undefined;
  const store = (): TestStore => opened ?? fail();
  const volumes = () => store().toolkit.volumes;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
  const names = async () => (await volumes().list()).map(({name}) => name);

  before(async () => {
    opened = await openTestStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('is made once, listed by name, and removed with its files', async () => {
    const made = await volumes().create({name: 'web', labels: {tier: 'front'}});
    assert.equal([made.name, made.labels, made.isAnonymous], ['web', {tier: 'front'}, false]);
    assert.is(statSync(made.directory).mode & 0o7777, 0o755);
    assert.is(statSync(join(made.directory, '..')).mode & 0o7777, 0o700);
    writeFileSync(join(made.directory, 'file'), 'kept');
    await volumes().create({name: 'assets'});
    assert.equal(await volumes().create({name: 'web', labels: {other: ''}}), made, 'it is there and stays as it is');
    assert.equal(readdirSync(made.directory), ['file']);
    assert.equal(await names(), ['assets', 'web']);
    assert.equal((await volumes().inspect('web')).usedBy, []);
    for (const name of ['web', 'assets']) await volumes().remove(name);
    assert.equal(await names(), []);
    assert.equal(readdirSync(join(store().root, 'volumes')), ['.locks']);
    assert.equal(readdirSync(join(store().root, 'volumes', '.locks')), ['all.lock']);
  });

  test('has a name that cannot lead anywhere', async () => {
    for (const name of ['', '.', '..', 'a/b', '-a', '.hidden', 'a\n', 'x'.repeat(129)]) {
      assert.is(await codeOf(volumes().create({name})), 'VOLUME_NAME_INVALID', name);
      assert.is(await codeOf(volumes().remove(name)), 'VOLUME_NAME_INVALID', name);
    }
    assert.is(await codeOf(volumes().inspect('missing')), 'VOLUME_UNKNOWN');
    assert.is(await codeOf(volumes().remove('missing')), 'VOLUME_UNKNOWN');
    await volumes().remove('missing', {force: true});
  });

  test('of several that make one name at once each gets the same volume', async () => {
    const toolkits = await Promise.all(Array.from({length: 6}, () => store().open()));
    const made = await Promise.all(toolkits.map((toolkit) => toolkit.volumes.create({name: 'twin'})));
    assert.is(new Set(made.map(({created}) => created)).size, 1);
    await volumes().remove('twin');
  });

  test('what killed processes left is cleared by whoever comes next', async () => {
    const at = join(store().root, 'volumes');
    for (const name of ['.new-half', '.gone-old']) {
      mkdirSync(join(at, name, '_data'), {recursive: true});
      writeFileSync(join(at, name, '_data', 'file'), '');
    }
    assert.equal(await names(), []);
    await volumes().create({name: 'half'});
    assert.equal(readdirSync(at).toSorted(), ['.locks', 'half']);
    await volumes().remove('half');
  });

  test('prune removes what nobody named, and with all the rest, as labels say', async () => {
    const {name: anonymous} = await volumes().create();
    const {directory} = await volumes().create({name: 'big', labels: {keep: 'no'}});
    await volumes().create({name: 'dear', labels: {keep: 'yes'}});
    writeFileSync(join(directory, 'file'), Buffer.alloc(50_000));
    assert.equal((await volumes().prune()).removed, [anonymous]);
    const labels = [{name: 'keep', value: 'yes', isExcluded: true}];
    const pruned = await volumes().prune({all: true, labels});
    assert.equal(pruned.removed, ['big']);
    assert.ok(pruned.freedBytes > 50_000 && pruned.freedBytes < 80_000, `${pruned.freedBytes}`);
    await volumes().remove('dear');
    assert.equal(await volumes().prune({all: true}), {removed: [], freedBytes: 0});
  });

  test('goes out as a tar and comes in again, with owners, modes, links and times', async () => {
    const {directory} = await volumes().create({name: 'whole'});
    mkdirSync(join(directory, 'sub'), {mode: 0o700});
    writeFileSync(join(directory, 'sub/file'), 'content', {mode: 0o640});
    linkSync(join(directory, 'sub/file'), join(directory, 'twin'));
    symlinkSync('/etc/passwd', join(directory, 'link'));
    chmodSync(directory, 0o711);
    utimesSync(join(directory, 'sub'), 1_000_000, 1_000_000.25);
    const copied = await volumes().create({name: 'copied'});
    writeFileSync(join(copied.directory, 'kept'), '');
    mkdirSync(join(copied.directory, 'sub'));
    const {content, close} = await volumes().export('whole');
    assert.is(await codeOf(volumes().remove('whole')), 'VOLUME_IN_USE');
    const tar = await buffer(content);
    close();
    await volumes().import('copied', Readable.from([gzipSync(tar)]));
    const at = (name: string) => join(copied.directory, name);
    assert.equal(readdirSync(copied.directory).toSorted(), ['kept', 'link', 'sub', 'twin']);
    assert.is(readFileSync(at('sub/file'), 'utf8'), 'content');
    assert.is(statSync(at('sub/file')).ino, statSync(at('twin')).ino);
    assert.equal([statSync(copied.directory).mode & 0o777, readlinkSync(at('link'))], [0o711, '/etc/passwd']);
    assert.is(await codeOf(volumes().import('copied', at('nothing'))), 'ARCHIVE_MISSING');
    assert.is(await codeOf(volumes().import('missing', Readable.from([tar]))), 'VOLUME_UNKNOWN');
    await volumes().remove('whole');
    await volumes().remove('copied');
  });

  test('takes nothing of a tar that leads out of it', async () => {
    const {directory} = await volumes().create({name: 'safe'});
    const hostile = buildTar([
      {path: 'good', content: 'x'},
      {path: '../../escaped', content: 'x'},
    ]);
    assert.is(await codeOf(volumes().import('safe', Readable.from([hostile]))), 'TAR_PATH');
    symlinkSync('..', join(directory, 'up'));
    const through = buildTar([{path: 'up/escaped', content: 'x'}]);
    assert.is(await codeOf(volumes().import('safe', Readable.from([through]))), 'DESTINATION_INVALID');
    assert.equal([readdirSync(directory), existsSync(join(directory, '../escaped'))], [['up'], false]);
    await volumes().remove('safe');
  });

  test('counts in the usage of the store, to the byte, and is nothing that a check complains of', async () => {
    const {directory} = await volumes().create({name: 'counted'});
    writeFileSync(join(directory, 'file'), Buffer.alloc(12_345));
    const usage = await store().toolkit.images.usage();
    assert.is(usage.volumes.count, 1);
    assert.is(usage.volumes.bytes, usage.volumes.reclaimableBytes);
    assert.is(usage.volumes.bytes, duOf(join(directory, '..')));
    assert.is(usage.totalBytes, duOf(store().root));
    assert.equal((await store().toolkit.images.check()).findings, []);
    await volumes().remove('counted');
    assert.not.ok(existsSync(directory));
  });
});

const duOf = (path: string): number =>
  Number(execFileSync('du', ['--apparent-size', '--block-size=1', '--summarize', path]).toString().split('\t')[0]);

const fail = (): never => {
  throw new Error('the store was not opened');
};
