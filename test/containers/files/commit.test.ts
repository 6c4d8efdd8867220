import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildTar} from '../../../fixtures/build-tar.ts';
import {busyboxImage} from '../../../fixtures/busybox-image.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingEntry, missingFor} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from '../kept/kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingEntry();
const LOWER = [
  {path: 'srv/', type: 'directory'},
  {path: 'srv/kept', content: 'kept'},
  {path: 'srv/changed', content: 'old'},
  {path: 'srv/deleted', content: 'x'},
  {path: 'opaque/', type: 'directory'},
  {path: 'opaque/gone', content: 'x'},
  {path: 'tree/', type: 'directory'},
  {path: 'tree/file', content: 'x'},
] as const;
const SCRIPT = [
  'echo new > /srv/changed; rm /srv/deleted; cat /srv/kept > /dev/null; mkdir /srv/added; echo a > /srv/added/file',
  'rm -rf /opaque; mkdir /opaque; echo own > /opaque/own; rm -rf /tree; chmod 700 /home; touch -m /root',
  'ln -s kept /srv/link; echo volume > /data/file; : > /dev/shm/memory; mkdir -p /deep/er; echo e > /bin/extra',
].join('; ');
const CHANGES = [
  ...['C /bin', 'A /bin/extra', 'A /data', 'A /deep', 'A /deep/er', 'C /home', 'C /opaque', 'D /opaque/gone'],
  ...['A /opaque/own', 'C /srv', 'A /srv/added', 'A /srv/added/file', 'C /srv/changed', 'D /srv/deleted'],
  ...['A /srv/link', 'D /tree'],
];

interface CommittedConfig {
  readonly config: {readonly Env: unknown; readonly Cmd: unknown; readonly User: unknown; readonly Labels: unknown};
  readonly history: readonly {readonly comment?: string}[];
  readonly rootfs: {readonly diff_ids: readonly string[]};
  readonly author: unknown;
}

describe('containers/files/commit', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  let id = '';
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const images = () => store().toolkit.images;

  before(async () => {
    if (skip !== undefined) return;
    opened = await openKeptStore();
    await using registry = await startRegistry();
    registry.put('base', '1', busyboxImage({layers: [buildTar(LOWER)], config: {Env: ['PATH=/bin', 'A=base']}}));
    await images().pull(`${registry.host}/base:1`, {platform: 'linux/amd64'});
    await images().tag(`${registry.host}/base:1`, 'base');
    const mounts = [{type: 'volume', source: 'data', target: '/data'}] as const;
    const container = {mounts, environment: ['A=own', 'B=2'], user: '0:0', labels: {made: 'here'}};
    id = await opened.start(SCRIPT, {image: 'base', container});
    await containers().wait(id);
    assert.equal(await opened.readLogs(id), {stdout: '', stderr: ''});
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const linesOf = async (container: string) =>
    (await containers().diff(container)).map(({kind, path}) => `${kind} ${path}`);
  const outputOf = async (image: string, script: string) => {
    const of = await store().start(script, {image});
    await containers().wait(of);
    const {stdout, stderr} = await store().readLogs(of);
    await containers().remove(of, {removesVolumes: true});
    return `${stdout}${stderr}`;
  };

  test('tells what a container has added, changed and deleted, and nothing of the places that were made for it', async () => {
    assert.equal(await linesOf(id), CHANGES);
    const fresh = await store().create('true', {image: 'base'});
    assert.equal(await linesOf(fresh), []);
    await containers().start(fresh);
    await containers().wait(fresh);
    assert.equal(await linesOf(fresh), []);
    await containers().remove(fresh);
  });

  test('tells it of one that runs as well', async () => {
    const running = await store().start('rm /srv/kept; echo done; sleep 600', {image: 'base'});
    for await (const {bytes} of containers().logs(running, {follow: true})) if (bytes.includes('done\n')) break;
    assert.equal(await linesOf(running), ['C /srv', 'D /srv/kept']);
    await containers().remove(running, {force: true});
  });

  test('becomes an image that has the same files and settings, and runs', async () => {
    const committed = await containers().commit(id, {
      ...{reference: 'made:1', message: 'for a test', author: 'somebody'},
      changes: ['CMD ["cat", "/srv/changed"]', 'ENV C=3', 'LABEL more=yes'],
    });
    const {config: document, layers} = await images().inspect('made:1');
    const {config, history, rootfs, author} = document as unknown as CommittedConfig;
    assert.equal(config.Env, ['PATH=/bin', 'A=own', 'B=2', 'C=3']);
    assert.equal([config.Cmd, config.User, author], [['cat', '/srv/changed'], '0:0', 'somebody']);
    assert.equal(config.Labels, {made: 'here', more: 'yes'});
    assert.equal(history.at(-1)?.comment, 'for a test');
    assert.is(rootfs.diff_ids.at(-1), committed.layerDigest);
    assert.is(layers.length, 3);
    assert.equal((await images().check({deep: true})).findings, []);
    const script =
      'cat /srv/changed /srv/kept /opaque/*; ls /srv /opaque /tree /deep; readlink /srv/link; stat -c %a /home';
    const output = await outputOf('made:1', script);
    assert.is(
      output,
      [
        ...['new\nkeptown', '/deep:\ner\n', '/opaque:\nown\n', '/srv:\nadded\nchanged\nkept\nlink'],
        ...['kept', '700', 'ls: /tree: No such file or directory', ''],
      ].join('\n'),
    );
    const {files} = await images().diff('base', 'made:1');
    assert.equal(
      files.filter(({path}) => /^\/(?:dev|proc|sys|etc)/.test(path)),
      [],
    );
    await images().remove(['made:1']);
  });

  test('one without a name, of a container that wrote nothing, is an image too', async () => {
    const fresh = await store().create('true', {image: 'base'});
    const {imageId} = await containers().commit(fresh);
    assert.is(await outputOf(imageId, 'cat /srv/changed'), 'old');
    assert.is((await rejectionOf(containers().commit(fresh, {changes: ['RUN x']}))).code, 'CHANGE_INVALID');
    assert.is((await rejectionOf(containers().commit('nobody'))).code, 'CONTAINER_UNKNOWN');
    await containers().remove(fresh);
    await images().remove([imageId]);
  });

  test('one that runs is stopped meanwhile, and goes on', async () => {
    const running = await store().start('echo up; while :; do sleep 0.05; done', {image: 'base'});
    for await (const {bytes} of containers().logs(running, {follow: true})) if (bytes.includes('up\n')) break;
    const {imageId} = await containers().commit(running);
    assert.equal([(await store().find(running)).state, (await store().find(running)).isPaused], ['running', false]);
    await containers().remove(running, {force: true});
    await images().remove([imageId]);
  });

  test('one of a run in the foreground has what the run was asked for, and what it wrote so far', async () => {
    const container = {
      command: ['sh', '-c', 'echo mine > /mine; echo up; read line'],
      environment: ['ASKED=yes'],
      workingDirectory: '/srv',
      labels: {made: 'by hand'},
    };
    await using run = await containers().spawn({
      ...{image: 'base', policy: 'never', name: 'front', interactive: true, container},
    });
    let output = '';
    run.stdout.on('data', (piece) => {
      output += piece;
    });
    await eventually(() => output === 'up\n');
    assert.equal((await containers().list()).find(({name}) => name === 'front')?.labels, {made: 'by hand'});
    await containers().commit('front', {reference: 'front:1'});
    run.stdin.end('go\n');
    assert.is((await run.finished).exitCode, 0);
    assert.is(await outputOf('front:1', 'cat /mine; echo $ASKED; pwd'), 'mine\nyes\n/srv\n');
    const {config} = (await images().inspect('front:1')) as {
      config: {config: {Cmd: unknown; Labels: unknown}};
    } & object;
    assert.equal([config.config.Cmd, config.config.Labels], [container.command, {made: 'by hand'}]);
    await images().remove(['front:1']);
  });

  test('is exported as a whole, its volumes and what is mounted left out, running or not', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'winch-export-'));
    const running = await store().start(`${SCRIPT}; echo up; sleep 600`, {
      ...{image: 'base', container: {mounts: [{type: 'volume', source: 'data', target: '/data'}]}},
    });
    for await (const {bytes} of containers().logs(running, {follow: true})) if (bytes.includes('up\n')) break;
    const lists = [];
    for (const container of [id, running]) {
      const {content, close} = await containers().export(container);
      writeFileSync(join(directory, 'tar'), await buffer(content));
      close();
      lists.push((await requireProgram('tar', ['tf', join(directory, 'tar')])).trimEnd().split('\n'));
    }
    const [stopped = [], live = []] = lists;
    assert.equal(live, stopped);
    for (const path of ['./', 'srv/added/file', 'srv/kept', 'opaque/own', 'data/', 'proc/', 'bin/busybox']) {
      assert.ok(stopped.includes(path), path);
    }
    for (const path of ['srv/deleted', 'opaque/gone', 'tree/', 'data/file', 'proc/self', 'dev/null']) {
      assert.not.ok(stopped.includes(path), path);
    }
    await containers().remove(running, {force: true});
    rmSync(directory, {recursive: true});
    await containers().remove(id);
    await store().requireNoTraces();
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
