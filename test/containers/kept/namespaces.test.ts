import {readlinkSync, statSync} from 'node:fs';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type {ContainerOptions} from '../../../src/bundle/container-options.ts';
import {processes} from '../../helpers/container-traces.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
/** Nobody else's. */
const NAP = `sleep 6${process.pid}`;

describe('containers/kept/namespaces', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
  const isRunning = (command: string) => processes().some(({words}) => words.join(' ').trim() === command);

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const run = async (script: string, container: ContainerOptions) => {
    const id = await store().start(script, {container});
    assert.is(await containers().wait(id), 0);
    return (await store().readLogs(id)).stdout;
  };

  test("has the machine's namespaces where that is asked, and its own elsewhere", async () => {
    const kinds = ['ipc', 'uts', 'pid', 'cgroup'] as const;
    const script = `for kind in ${kinds.join(' ')}; do readlink /proc/self/ns/$kind; done`;
    const [ipc, uts, pid, cgroup] = kinds.map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
    const shared = await run(script, {ipc: 'host', uts: 'host', pid: 'host', cgroupns: 'host'});
    assert.equal(shared.trim().split('\n'), [ipc, uts, pid, cgroup]);
    const own = (await run(script, {cgroupns: 'private'})).trim().split('\n');
    assert.equal(
      own.filter((namespace) => [ipc, uts, pid, cgroup].includes(namespace)),
      [],
    );
    await store().requireNoTraces();
  });

  test("has the machine's shared memory, or none at all", async () => {
    const script = 'stat -c %d:%i /dev/shm || true';
    const {dev, ino} = statSync('/dev/shm');
    assert.is(await run(script, {ipc: 'host'}), `${dev}:${ino}\n`);
    assert.is(await run(script, {ipc: 'none'}), '');
    assert.is.not(await run(script, {ipc: 'shareable'}), `${dev}:${ino}\n`);
    await store().requireNoTraces();
  });

  test("what sees the machine's processes takes its own with it when it ends", async () => {
    const script = `[ -d /proc/${process.pid} ] && ${NAP} & wait`;
    const id = await store().start(script, {container: {pid: 'host'}});
    await eventually(() => isRunning(NAP));
    process.kill(store().readStart(id).process.pid, 'SIGKILL');
    await eventually(() => !isRunning(NAP));
    assert.is(await containers().wait(id), 137);
    await store().requireNoTraces();
  });

  test('so does a run in the foreground', async () => {
    const untilThere = 'until grep -q ^sleep /proc/$!/cmdline; do sleep 0.05; done';
    const command = ['sh', '-c', `${NAP} </dev/null >/dev/null 2>&1 & ${untilThere}; echo $$`];
    const request = {image: IMAGE, policy: 'never', container: {command, pid: 'host'}} as const;
    await using started = await containers().spawn(request);
    started.stdin.end();
    const [output, {exitCode}] = await Promise.all([text(started.stdout), started.finished]);
    assert.is(exitCode, 0);
    assert.ok(Number(output) > 1);
    assert.not.ok(isRunning(NAP));
    await store().requireNoTraces();
  });

  test('sees the processes of another container, looked up at each start', async () => {
    const target = await store().start('exec sleep 61239', {name: 'target'});
    const id = await store().create("tr '\\0' ' ' </proc/1/cmdline", {container: {pid: {container: 'target'}}});
    const start = async () => {
      await containers().start(id);
      assert.is(await containers().wait(id), 0);
    };
    await start();
    await containers().restart(target, {timeoutSeconds: 0});
    await start();
    assert.is((await store().readLogs(id)).stdout, 'sleep 61239 sleep 61239 ');
    await containers().stop(target, {timeoutSeconds: 0});
    assert.is(await codeOf(containers().start(id)), 'CONTAINER_STOPPED');
    const lost = await store().create('true', {container: {pid: {container: 'nobody'}}});
    assert.is(await codeOf(containers().start(lost)), 'CONTAINER_UNKNOWN');
    const wrong = await store().create('true', {container: {pid: {namespace: '/proc/self/ns/mnt'}}});
    assert.is(await codeOf(containers().start(wrong)), 'NAMESPACE_MISSING');
    await store().requireNoTraces();
  });

  test('has the name of the machine, and none of its own beside', async () => {
    const name = await run('hostname; cat /etc/hostname', {uts: 'host', network: 'none'});
    const [kernels, file] = name.split('\n');
    assert.is(kernels, file);
    const named = await store().create('true', {container: {uts: 'host', hostname: 'box'}});
    assert.is(await codeOf(containers().start(named)), 'HOSTNAME_INVALID');
    await store().requireNoTraces();
  });
});

function fail(): never {
  throw new Error('the store is not open');
}
