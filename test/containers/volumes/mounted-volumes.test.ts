import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildTar} from '../../../fixtures/build-tar.ts';
import {busyboxImage} from '../../../fixtures/busybox-image.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import type {ContainerOptions, MountRequest} from '../../../src/bundle/container-options.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingEntry, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from '../kept/kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingEntry();
const DATA = [
  {path: 'data/', type: 'directory', mode: 0o2750, uid: 1000, gid: 50},
  {path: 'data/seed', content: 'of the image\n', mode: 0o640, uid: 1000, gid: 1000},
  {path: 'data/sub/', type: 'directory', mode: 0o700},
  {path: 'data/sub/link', type: 'symlink', linkPath: '../seed'},
  {path: 'alias', type: 'symlink', linkPath: '/data'},
] as const;

describe('containers/volumes/mounted-volumes', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const volumes = () => store().toolkit.volumes;

  before(async () => {
    if (skip !== undefined) return;
    opened = await openKeptStore();
    await using registry = await startRegistry();
    registry.put('data', '1', busyboxImage({layers: [buildTar(DATA)], config: {Volumes: {'/data': {}}}}));
    const {images} = opened.toolkit;
    await images.pull(`${registry.host}/data:1`, {platform: 'linux/amd64'});
    await images.tag(`${registry.host}/data:1`, 'data');
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const volume = (source: string, target: string, more: object = {}): MountRequest => ({
    ...{type: 'volume', source, target},
    ...more,
  });
  const mounting = (...mounts: readonly MountRequest[]): {readonly container: ContainerOptions} => ({
    container: {mounts},
  });
  const outputOf = async (script: string, more: Parameters<KeptStore['create']>[1] = {}) => {
    const id = await store().start(script, more);
    const code = await containers().wait(id);
    const {stdout, stderr} = await store().readLogs(id);
    await containers().remove(id, {removesVolumes: true});
    return `${stdout}${stderr}${code === 0 ? '' : code}`;
  };
  const runOf = async (script: string, container: ContainerOptions, image = 'data') => {
    const command = ['sh', '-c', script];
    await using run = await containers().spawn({image, policy: 'never', container: {...container, command}});
    const [stdout, stderr] = await Promise.all([text(run.stdout), text(run.stderr)]);
    return `${stdout}${stderr}${(await run.finished).exitCode || ''}`;
  };
  const errorOf = (work: Promise<unknown>) => rejectionOf(work);

  test('outlives its containers, and stays while one of them mounts it', async () => {
    const shared = mounting(volume('shared', '/v'));
    const id = await store().start('echo one > /v/file', {...shared, name: 'writer'});
    await containers().wait(id);
    const error = await errorOf(volumes().remove('shared'));
    assert.equal([error.code, error.message], ['VOLUME_IN_USE', 'volume shared is in use by container writer']);
    assert.equal((await volumes().inspect('shared')).usedBy, [id]);
    assert.equal((await volumes().prune({all: true})).removed, []);
    await containers().remove(id, {removesVolumes: true});
    assert.is(await outputOf('cat /v/file', shared), 'one\n');
    assert.is(await runOf('cat /v/file; echo two > /v/file', {mounts: [volume('shared', '/v')]}), 'one\n');
    assert.match(
      await outputOf('echo three > /v/file', mounting(volume('shared', '/v', {readOnly: true}))),
      /Read-only/,
    );
    assert.is(readFileSync(join((await volumes().inspect('shared')).directory, 'file'), 'utf8'), 'two\n');
    await volumes().remove('shared');
    await store().requireNoTraces();
  });

  test('begins with what the image has at its target, with owners and modes, once', async () => {
    const id = await store().create('true', {image: 'data', ...mounting(volume('seeded', '/alias'))});
    const {directory} = await volumes().inspect('seeded');
    const {mode, uid, gid} = statSync(directory);
    assert.equal([mode & 0o7777, uid, gid], [0o2750, 1000, 50]);
    const seed = statSync(join(directory, 'seed'));
    assert.equal(
      [seed.mode & 0o7777, seed.uid, readFileSync(join(directory, 'seed'), 'utf8')],
      [0o640, 1000, 'of the image\n'],
    );
    assert.equal(readdirSync(join(directory, '..')).toSorted(), ['_data', 'volume.json']);
    writeFileSync(join(directory, 'seed'), 'changed\n');
    assert.is(
      await outputOf('cat /data/sub/link', {image: 'data', ...mounting(volume('seeded', '/data'))}),
      'changed\n',
    );
    await containers().remove(id, {removesVolumes: true});
    await volumes().remove('seeded');
  });

  test('two containers that begin an empty one at once fill it once', async () => {
    const request = {image: 'data', ...mounting(volume('raced', '/data'))};
    const ids = await Promise.all(Array.from({length: 4}, () => store().create('cat /data/seed', request)));
    const {directory} = await volumes().inspect('raced');
    assert.equal(readdirSync(directory).toSorted(), ['seed', 'sub']);
    for (const id of ids) await containers().remove(id);
    await volumes().remove('raced');
  });

  test('goes on with what a killed process has begun to fill', async () => {
    const {directory} = await volumes().create({name: 'cut'});
    const at = join(directory, '..');
    mkdirSync(join(at, 'filling.half', 'junk'), {recursive: true});
    mkdirSync(join(at, 'filling'), {mode: 0o711});
    writeFileSync(join(directory, 'first'), 'moved before the end');
    writeFileSync(join(at, 'filling', 'second'), 'still to be moved');
    const id = await store().create('true', {image: 'data', ...mounting(volume('cut', '/data'))});
    assert.equal(readdirSync(directory).toSorted(), ['first', 'second']);
    assert.is(statSync(directory).mode & 0o7777, 0o711);
    assert.not.ok(existsSync(join(at, 'filling')));
    await containers().remove(id, {removesVolumes: true});
    await volumes().remove('cut');
  });

  test('stays empty where that is asked, or where the image has nothing', async () => {
    const empty = [volume('plain', '/data', {nocopy: true}), volume('other', '/nowhere')];
    assert.is(await outputOf('ls /data /nowhere', {image: 'data', ...mounting(...empty)}), '/data:\n\n/nowhere:\n');
    for (const name of ['plain', 'other']) await volumes().remove(name);
  });

  test('an image gets a volume for each that it declares, which goes only when that is asked', async () => {
    const id = await store().start('cat /data/seed; echo more > /data/more', {image: 'data'});
    await containers().wait(id);
    const [{name, isAnonymous} = {name: '', isAnonymous: false}, ...others] = await volumes().list();
    assert.equal([isAnonymous, others], [true, []]);
    await containers().start(id);
    await containers().wait(id);
    await containers().remove(id);
    assert.ok(existsSync(join((await volumes().inspect(name)).directory, 'more')));
    assert.equal((await volumes().prune()).removed, [name]);
    const second = await store().create('true', {image: 'data'});
    await containers().remove(second, {removesVolumes: true});
    const third = await store().start('true', {image: 'data', autoRemove: true});
    await containers().wait(third);
    await eventually(() => readdirSync(join(store().root, 'volumes')).every((entry) => entry.startsWith('.locks')));
    assert.equal(await volumes().list(), []);
    await store().requireNoTraces();
  });

  test('a run in the foreground uses one, makes none for its image, and leaves none without a name', async () => {
    assert.is(await runOf('cat /data/seed', {}), 'of the image\n');
    assert.is(
      await runOf('cat /data/seed; echo x > /data/x', {mounts: [{type: 'volume', target: '/data'}]}),
      'of the image\n',
    );
    assert.equal(await volumes().list(), []);
    const command = ['sh', '-c', 'echo up; read line; cat /data/seed'];
    const container = {command, mounts: [volume('used', '/data')]};
    await using run = await containers().spawn({image: 'data', policy: 'never', interactive: true, container});
    const output = text(run.stdout);
    await eventually(() => existsSync(join(store().root, 'volumes', 'used')));
    assert.is((await errorOf(volumes().remove('used'))).message, 'volume used is in use by a container that runs');
    run.stdin.end('go\n');
    assert.is(await output, 'up\nof the image\n');
    await run.finished;
    await volumes().remove('used');
  });

  test('mounts what another container mounts, but where it has something itself', async () => {
    const lender = await store().create('true', {
      image: 'data',
      ...mounting(volume('lent', '/lent'), volume('mine', '/mine'), {type: 'tmpfs', target: '/scratch'}),
    });
    const script = 'echo a > /lent/a; ls /mine /data; echo b > /data/b; ls /scratch';
    const output = await outputOf(script, {
      container: {volumesFrom: [{container: lender, readOnly: true}], mounts: [volume('own', '/mine')]},
    });
    assert.match(output, "can't create /lent/a: Read-only file system");
    assert.match(output, 'seed\nsub\n');
    assert.match(output, "can't create /data/b: Read-only file system");
    assert.match(output, '/scratch: No such file or directory');
    await containers().remove(lender, {removesVolumes: true});
    for (const name of ['lent', 'mine', 'own']) await volumes().remove(name);
    assert.equal(await volumes().list(), []);
  });

  test('what is mounted of a volume lies within it, wherever its links lead', async () => {
    const {directory} = await volumes().create({name: 'parts'});
    mkdirSync(join(directory, 'part/deep'), {recursive: true});
    mkdirSync(join(directory, 'etc/inside'), {recursive: true});
    symlinkSync('/etc', join(directory, 'absolute'));
    symlinkSync('../../../../../etc', join(directory, 'climbing'));
    const subpath = (path: string) => mounting(volume('parts', '/v', {subpath: path}));
    assert.is(await outputOf('ls /v', subpath('part')), 'deep\n');
    for (const link of ['absolute', 'climbing']) assert.is(await outputOf('ls /v', subpath(link)), 'inside\n');
    const missing = await store().create('true', subpath('missing'));
    assert.is((await errorOf(containers().start(missing))).code, 'MOUNT_SOURCE_MISSING');
    await containers().remove(missing);
    await volumes().remove('parts');
  });

  test('a container that could not be made leaves no volume without a name', async () => {
    await store().create('true', {name: 'taken'});
    const error = await errorOf(store().create('true', {image: 'data', name: 'taken'}));
    assert.equal([error.code, await volumes().list()], ['NAME_IN_USE', []]);
    await containers().remove('taken');
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
