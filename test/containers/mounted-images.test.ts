import {buffer, text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {ImageMount} from '../../src/bundle/container-options.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingEntry, missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept/kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingEntry();
const LOWER = [
  {path: 'tools/', type: 'directory'},
  {path: 'tools/one', content: 'first\n', mode: 0o640, uid: 7, gid: 8},
  {path: 'tools/gone', content: 'gone\n'},
  {path: 'etc/', type: 'directory'},
  {path: 'etc/inside', content: 'inside\n'},
  {path: 'absolute', type: 'symlink', linkPath: '/etc'},
  {path: 'climbing', type: 'symlink', linkPath: '../../../../etc'},
] as const;
const UPPER = [
  {path: 'tools/.wh.gone', content: ''},
  {path: 'tools/two', content: 'second\n'},
] as const;

describe('containers/mounted-images', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  let toolsId = '';
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const images = () => store().toolkit.images;

  before(async () => {
    if (skip !== undefined) return;
    opened = await openKeptStore();
    await using registry = await startRegistry();
    registry.put('tools', '1', busyboxImage({layers: [buildTar(LOWER), buildTar(UPPER)]}));
    await images().pull(`${registry.host}/tools:1`, {platform: 'linux/amd64'});
    await images().tag(`${registry.host}/tools:1`, 'tools');
    await images().untag([`${registry.host}/tools:1`]);
    toolsId = (await images().inspect('tools')).imageId;
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const tools = (more: Partial<ImageMount> = {}) => ({
    mounts: [{type: 'image', source: 'tools', target: '/mnt/t', ...more} as const],
  });
  const runOf = async (script: string, more: Partial<ImageMount> = {}) => {
    const container = {command: ['sh', '-c', script], ...tools(more)};
    await using run = await containers().spawn({image: IMAGE, policy: 'never', container});
    const [stdout, stderr] = await Promise.all([text(run.stdout), text(run.stderr)]);
    return `${stdout}${stderr}${(await run.finished).exitCode || ''}`;
  };
  const outputOf = async (id: string) => {
    const code = await containers().wait(id);
    const {stdout, stderr} = await store().readLogs(id);
    return `${stdout}${stderr}${code === 0 ? '' : code}`;
  };

  test('a run sees the merged files of an image, which nobody can change', async () => {
    const script = 'cd /mnt/t/tools; ls; stat -c "%a %u %g" one; echo x > new';
    assert.match(await runOf(script), /^one\ntwo\n640 7 8\nsh: can't create new: Read-only file system\n1$/);
  });

  test('what is written where that is allowed goes with the container', async () => {
    assert.is(await runOf('echo x > /mnt/t/new; rm /mnt/t/tools/one; ls /mnt/t/tools', {readOnly: false}), 'two\n');
    assert.is(
      await runOf('ls /mnt/t/tools; ls /mnt/t/new || true'),
      'one\ntwo\nls: /mnt/t/new: No such file or directory\n',
    );
  });

  test('what is mounted of an image lies within it, wherever its links lead', async () => {
    assert.is(await runOf('ls /mnt/t', {subpath: 'tools'}), 'one\ntwo\n');
    assert.is(await runOf('cat /mnt/t', {subpath: '/tools/two'}), 'second\n');
    for (const subpath of ['absolute', 'climbing']) assert.is(await runOf('cat /mnt/t/inside', {subpath}), 'inside\n');
    const error = await rejectionOf(runOf('true', {subpath: 'tools/gone'}));
    assert.is(error.code, 'MOUNT_SOURCE_MISSING');
  });

  test('an image that is mounted in a kept container stays, by the id that its name meant', async () => {
    const id = await store().create('ls /mnt/t/tools', {name: 'user', container: tools()});
    await images().tag(IMAGE, 'tools');
    const error = await rejectionOf(images().remove([toolsId]));
    assert.equal([error.code, /is used by container user/.test(error.message)], ['IMAGE_KEPT', true]);
    assert.equal((await images().prune({all: true})).deleted, []);
    await containers().rename('user', 'renamed');
    assert.match((await rejectionOf(images().remove([toolsId]))).message, /container renamed/);
    for (let time = 0; time < 2; time += 1) {
      await containers().start(id);
      assert.is(await outputOf(id), time === 0 ? 'one\ntwo\n' : 'one\ntwo\none\ntwo\n');
    }
    const {content, close} = await containers().readTar({container: id, path: '/mnt/t/tools/two'});
    assert.match((await buffer(content)).toString('latin1'), /^two\0.*second\n/s);
    close();
    await containers().remove(id);
    await images().tag(toolsId, 'tools');
    await store().requireNoTraces();
  });

  test('an image that is mounted in a run stays as long as it goes on', async () => {
    const container = {command: ['sh', '-c', 'echo up; read line; ls /mnt/t/tools'], ...tools()};
    await using run = await containers().spawn({image: IMAGE, policy: 'never', interactive: true, container});
    let output = '';
    run.stdout.on('data', (piece) => {
      output += piece;
    });
    await eventually(() => output === 'up\n');
    assert.is((await rejectionOf(images().remove(['tools']))).code, 'IMAGE_IN_USE');
    const [listed] = await containers().list();
    assert.is(listed?.image, `${IMAGE}:latest`);
    run.stdin.end('go\n');
    await run.finished;
    assert.is(output, 'up\none\ntwo\n');
    await store().requireNoTraces();
  });

  test('an image that is not there and must not be pulled is named', async () => {
    const container = {mounts: [{type: 'image', source: 'nothing', target: '/x'} as const]};
    const error = await rejectionOf(store().create('true', {container}));
    assert.equal([error.code, /nothing/.test(error.message)], ['IMAGE_UNKNOWN', true]);
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
