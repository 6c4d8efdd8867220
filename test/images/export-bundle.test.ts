import {existsSync, mkdirSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {imageOf} from './sample-images.ts';

const platform = 'linux/amd64';
const command = ['sh'];
const OPTIONS = {platform, container: {command}};
const LOWER: readonly TarEntry[] = [
  {path: 'etc/', type: 'directory', mode: 0o755},
  {path: 'etc/passwd', content: 'app:x:7:8::/:/bin/sh\n'},
  {path: 'etc/gone', content: 'x'},
];
const UPPER: readonly TarEntry[] = [
  {path: 'etc/.wh.gone', content: ''},
  {path: 'etc/new', content: 'new'},
];

async function openImage() {
  const registry = await startRegistry();
  const store = await openTestStore();
  registry.put('app', '1', imageOf([buildTar(LOWER), buildTar(UPPER)]));
  const name = `${registry.host}/app:1`;
  await store.toolkit.images.pull(name, {platform});
  return {
    ...store,
    name,
    directory: join(dirname(store.root), 'bundle'),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}

describe('images/export-bundle', ({test}) => {
  test('writes the files of all layers and a configuration, and tells how far it is', async () => {
    await using image = await openImage();
    const events: WinchEvent[] = [];
    const onEvent = (event: WinchEvent) => events.push(event);
    const {directory, name} = image;
    const container = {user: 'app', command};
    const report = await image.toolkit.images.bundle(name, directory, {platform, container, onEvent});
    assert.equal(readdirSync(directory).toSorted(), ['config.json', 'rootfs']);
    assert.equal(readdirSync(join(directory, 'rootfs/etc')).toSorted(), ['new', 'passwd']);
    assert.is(statSync(directory).mode & 0o7777, 0o700);
    const {process} = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
    assert.equal([process.user.uid, process.user.gid], [7, 8]);
    assert.equal([report.directory, report.skipped], [directory, {owners: 0, devices: 0, xattrs: 0}]);
    const written = {type: 'bundle:written', directory, entries: 4, totalEntries: 4, bytes: 24, totalBytes: 24};
    assert.equal(events.at(-1), written);
  });

  test('a bundle has no cgroup that could have a parent', async () => {
    await using image = await openImage();
    const container = {command, cgroupParent: '/ci'};
    const error = await rejectionOf(image.toolkit.images.bundle(image.name, image.directory, {platform, container}));
    assert.is(error.code, 'CGROUP_PARENT_UNSUPPORTED');
    assert.not.ok(existsSync(image.directory));
  });

  test('an image without layers becomes an empty root file system', async () => {
    await using image = await openImage();
    const registry = await startRegistry();
    registry.put('empty', '1', imageOf([]));
    const {directory} = image;
    await image.toolkit.images.bundle(`${registry.host}/empty:1`, directory, OPTIONS);
    await registry.close();
    assert.equal(readdirSync(join(directory, 'rootfs')), []);
    assert.is(statSync(join(directory, 'rootfs')).mode & 0o7777, 0o755);
  });

  test('replaces what a killed run has left, and leaves nothing of one that is ended', async () => {
    await using image = await openImage();
    const {directory, name} = image;
    const staging = join(dirname(directory), '.bundle.winch-partial');
    mkdirSync(join(staging, 'rootfs/left'), {recursive: true});
    const controller = new AbortController();
    const reason = new Error('enough');
    const onEvent = ({type}: WinchEvent) => type === 'bundle:copying' && controller.abort(reason);
    const options = {...OPTIONS, signal: controller.signal, onEvent};
    assert.is(await rejectionOf(image.toolkit.images.bundle(name, directory, options)), reason);
    assert.equal([existsSync(staging), existsSync(directory)], [false, false]);
    mkdirSync(join(staging, 'rootfs/left'), {recursive: true});
    await image.toolkit.images.bundle(name, directory, OPTIONS);
    assert.equal(readdirSync(join(directory, 'rootfs')), ['etc']);
  });

  test('a directory with something in it is left alone', async () => {
    await using image = await openImage();
    mkdirSync(join(image.directory, 'mine'), {recursive: true});
    const error = await rejectionOf(image.toolkit.images.bundle(image.name, image.directory, OPTIONS));
    assert.is(error.code, 'BUNDLE_EXISTS');
    assert.equal(readdirSync(image.directory), ['mine']);
  });
});
