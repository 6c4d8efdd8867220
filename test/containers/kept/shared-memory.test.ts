import {readdirSync, readlinkSync, statSync, writeFileSync} from 'node:fs';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type {ContainerOptions} from '../../../src/bundle/container-options.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingCgroup, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';

// Users are refused it, as they are limits.
const skip = missingFor('runc', 'busybox', 'conmon') ?? missingCgroup();
const NAP = 'exec sleep 1000';

describe('containers/kept/shared-memory', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
  const ofContainer = (container: string) => ({container: {ipc: {container}}});
  const pidOf = (id: string) => store().readStart(id).process.pid;
  const inside = (id: string, path: string) => `/proc/${pidOf(id)}/root${path}`;
  const startSharing = (script = NAP, more: ContainerOptions = {}) =>
    store().start(script, {container: {ipc: 'shareable', ...more}});

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('two containers have the same queues and memory, which stay with the last of them', async () => {
    const [root, directory] = [statSync('/').ino, process.cwd()];
    const target = await startSharing();
    writeFileSync(inside(target, '/dev/shm/given'), 'one ');
    const joiner = await store().start(`cat /dev/shm/given; echo two >/dev/shm/given; ${NAP}`, ofContainer(target));
    assert.is(readlinkSync(`/proc/${pidOf(joiner)}/ns/ipc`), readlinkSync(`/proc/${pidOf(target)}/ns/ipc`));
    await eventually(async () => (await store().readLogs(joiner)).stdout === 'one ');
    await eventually(() => statSync(inside(target, '/dev/shm/given')).size === 4);
    assert.is(statSync(inside(joiner, '/dev/shm')).dev, statSync(inside(target, '/dev/shm')).dev);
    const third = await store().start('grep " /dev/shm " /proc/mounts', ofContainer(joiner));
    assert.is(await containers().wait(third), 0);
    const {stdout: mounted} = await store().readLogs(third);
    for (const option of ['rw', 'nosuid', 'nodev', 'noexec']) assert.match(mounted, new RegExp(`[ ,]${option},`));
    await containers().remove(target, {force: true});
    assert.equal(readdirSync(inside(joiner, '/dev/shm')), ['given']);
    assert.equal([statSync('/').ino, process.cwd()], [root, directory]);
    await store().requireNoTraces();
  });

  test('a run in the foreground takes part as well, also beside binds', async () => {
    const target = await startSharing(`touch /dev/shm/there; ${NAP}`);
    await eventually(() => readdirSync(inside(target, '/dev/shm')).includes('there'));
    const mount = {type: 'bind', source: '/etc', target: '/mnt', readOnly: true, createSource: false} as const;
    const command = ['sh', '-c', 'ls /dev/shm; readlink /proc/self/ns/ipc; [ -e /mnt/passwd ]'];
    const container = {command, ipc: {container: target}, mounts: [mount]};
    await using run = await containers().spawn({image: IMAGE, policy: 'never', container});
    run.stdin.end();
    const [output, {exitCode}] = await Promise.all([text(run.stdout), run.finished]);
    assert.equal([output, exitCode], [`there\n${readlinkSync(`/proc/${pidOf(target)}/ns/ipc`)}\n`, 0]);
    await store().requireNoTraces();
  });

  test('they are looked up at each start', async () => {
    const target = await startSharing();
    const joiner = await store().create('readlink /proc/self/ns/ipc; ls /dev/shm', ofContainer(target));
    const start = async () => {
      await containers().start(joiner);
      assert.is(await containers().wait(joiner), 0);
      return readlinkSync(`/proc/${pidOf(target)}/ns/ipc`);
    };
    const first = await start();
    await containers().restart(target, {timeoutSeconds: 0});
    writeFileSync(inside(target, '/dev/shm/later'), '');
    const second = await start();
    assert.is((await store().readLogs(joiner)).stdout, `${first}\n${second}\nlater\n`);
    await containers().stop(target, {timeoutSeconds: 0});
    assert.is(await codeOf(containers().start(joiner)), 'CONTAINER_STOPPED');
    await containers().remove(target);
    assert.is(await codeOf(containers().start(joiner)), 'CONTAINER_UNKNOWN');
    await store().requireNoTraces();
  });

  test('those of a container that does not share them are refused', async () => {
    for (const container of [{}, {ipc: 'private'}, {ipc: 'none'}] as const) {
      const target = await store().start(NAP, {container});
      const joiner = await store().create('true', ofContainer(target));
      assert.is(await codeOf(containers().start(joiner)), 'IPC_NOT_SHAREABLE');
    }
    const machines = await store().start(NAP, {container: {ipc: 'host'}});
    const joiner = await store().start('stat -c %d /dev/shm', ofContainer(machines));
    assert.is(await containers().wait(joiner), 0);
    assert.is((await store().readLogs(joiner)).stdout, `${statSync('/dev/shm').dev}\n`);
    await store().requireNoTraces();
  });

  test('what another container has put in the place of its memory leads nowhere', async () => {
    const plants = [
      'ln -s /proc/1/root/etc /dev/shm',
      'ln -s /etc /dev/shm',
      'mkdir /dev/shm && mount --bind /etc /dev/shm',
      'mkdir /dev/shm && mount -t proc proc /dev/shm',
      'mkfifo /dev/shm',
      'true',
    ];
    for (const plant of plants) {
      const script = `umount /dev/shm && rmdir /dev/shm && ${plant} && touch /ready; ${NAP}`;
      const target = await startSharing(script, {privileged: true});
      await eventually(() => readdirSync(inside(target, '/')).includes('ready'));
      const joiner = await store().create('true', ofContainer(target));
      assert.is(await codeOf(containers().start(joiner)), 'IPC_NOT_SHAREABLE', plant);
      await containers().remove(target, {force: true});
    }
    await store().requireNoTraces();
  });
});

function fail(): never {
  throw new Error('the store was not opened');
}
