import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

describe('containers/kept/lifecycle', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('is created, runs, ends with its code, and is removed', async () => {
    const id = await store().create('echo out; echo err >&2; exit 3', {
      name: 'web',
      container: {labels: {tier: 'front'}},
    });
    const created = await store().find(id);
    assert.equal([created.state, created.name, created.image, created.startedAt], ['created', 'web', IMAGE, null]);
    assert.equal(created.labels, {tier: 'front'});
    assert.is(await containers().start('web'), id);
    assert.is(await containers().wait(id.slice(0, 10)), 3);
    const ended = await store().find(id);
    assert.equal([ended.state, ended.exitCode, ended.pid, ended.lostBecause], ['exited', 3, null, null]);
    assert.ok((ended.finishedAt ?? '') >= (ended.startedAt ?? 'x'));
    assert.equal(await store().readLogs('web'), {stdout: 'out\n', stderr: 'err\n'});
    assert.is(await containers().remove('web'), id);
    assert.is(await codeOf(containers().wait(id)), 'CONTAINER_UNKNOWN');
    await store().requireNoTraces();
  });

  test('keeps what it has written from one start to the next, away from its image', async () => {
    const id = await store().start('echo again >> /mark; chmod 700 /home; cat /mark');
    await containers().wait(id);
    await containers().start(id);
    await containers().wait(id);
    assert.is((await store().readLogs(id)).stdout, 'again\nagain\nagain\n');
    const other = await store().start('cat /mark');
    assert.is(await containers().wait(other), 1);
    await store().requireNoTraces();
  });

  test('leaves the mounts and the directory of whoever starts it as they are', async () => {
    const [before, directory] = [statSync('/proc/self/ns/mnt').ino, process.cwd()];
    const id = await store().start('sleep 60');
    assert.equal([statSync('/proc/thread-self/ns/mnt').ino, process.cwd()], [before, directory]);
    assert.ok(existsSync(directory));
    await containers().remove(id, {force: true});
    await store().requireNoTraces();
  });

  test('a secret in the environment is in memory only while it runs', async () => {
    const id = await store().start('sleep 60', {container: {environment: ['TOKEN=canary']}});
    const at = join(store().runtimeDirectory, 'kept', id);
    assert.ok(existsSync(join(at, 'config.json')));
    await containers().stop(id, {timeoutSeconds: 0});
    assert.not.ok(existsSync(at));
    assert.is(statSync(join(store().root, 'kept', id, 'container.json')).mode & 0o777, 0o600);
    await store().requireNoTraces();
  });

  test('tells its first process in a file, at each start', async () => {
    const pidFile = join(store().root, '..', 'pid');
    const id = await store().start('sleep 600', {pidFile});
    for (const restart of [false, true]) {
      if (restart) await containers().restart(id, {timeoutSeconds: 0});
      assert.is(readFileSync(pidFile, 'utf8'), `${(await store().find(id)).pid}\n`);
    }
    const elsewhere = await store().create('true', {pidFile: '/proc/none/pid'});
    assert.is(await codeOf(containers().start(elsewhere)), 'PIDFILE_FAILED');
    assert.is((await store().find(elsewhere)).state, 'created');
    await store().requireNoTraces();
  });

  test('U11 is asked to end by its stop signal, and killed when it takes too long', async () => {
    const gentle = await store().start("trap 'exit 9' USR1; echo up; while :; do sleep 0.05; done", {
      container: {stopSignal: 'SIGUSR1'},
    });
    const stubborn = await store().start("trap '' TERM; echo up; while :; do sleep 0.05; done");
    // It ends in the usual time, but not in its own.
    const slow = "trap 'sleep 8; exit 9' TERM; echo up; while :; do sleep 0.05; done";
    const impatient = await store().start(slow, {container: {stopTimeoutSeconds: 0}});
    for (const id of [gentle, stubborn, impatient]) await waitForLine(id);
    await containers().stop(gentle);
    await containers().stop(stubborn, {timeoutSeconds: 0});
    await containers().stop(impatient);
    assert.is(await containers().wait(gentle), 9);
    for (const id of [stubborn, impatient]) assert.is(await containers().wait(id), 137);
    assert.is(await containers().stop(gentle), gentle, 'stopping what has ended is no failure');
    await store().requireNoTraces();
  });

  test('gets signals by name and number, while it runs', async () => {
    const id = await store().start("trap 'echo usr1' USR1; trap 'exit 4' HUP; echo up; while :; do sleep 0.05; done");
    await waitForLine(id);
    await containers().kill(id, 'usr1');
    await waitForLine(id, 'usr1');
    await containers().kill(id, '1');
    assert.is(await containers().wait(id), 4);
    assert.is(await codeOf(containers().kill(id)), 'CONTAINER_STOPPED');
    assert.is(await codeOf(containers().kill(id, 'NONE')), 'SIGNAL_INVALID');
    await store().requireNoTraces();
  });

  test('is not removed while it runs, but by force', async () => {
    const id = await store().start('sleep 60');
    assert.is(await codeOf(containers().remove(id)), 'CONTAINER_RUNNING');
    assert.is((await store().find(id)).state, 'running');
    await containers().remove(id, {force: true});
    await store().requireNoTraces();
  });

  test('goes when it ends if that was asked for, and whoever waits learns its code', async () => {
    const id = await store().start('sleep 0.3; exit 5', {autoRemove: true});
    assert.is(await containers().wait(id), 5);
    const at = join(store().root, 'kept', id);
    await eventually(() => !existsSync(at));
    await store().requireNoTraces();
  });

  test('keeps its image, whatever force is used', async () => {
    const {images} = store().toolkit;
    const id = await store().create('true', {name: 'holder'});
    for (const force of [false, true]) assert.is(await codeOf(images.remove([IMAGE], {force})), 'IMAGE_KEPT');
    await images.prune({all: true});
    await containers().start(id);
    assert.is(await containers().wait(id), 0);
    await store().requireNoTraces();
  });

  test('U15 of several that want one name at once exactly one gets it', async () => {
    const toolkits = await Promise.all(Array.from({length: 8}, () => store().open()));
    const request = {image: IMAGE, policy: 'never', name: 'twin', container: {command: ['true']}} as const;
    const outcomes = await Promise.allSettled(toolkits.map((toolkit) => toolkit.containers.create(request)));
    assert.is(outcomes.filter(({status}) => status === 'fulfilled').length, 1);
    const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    assert.equal(new Set(codes), new Set(['NAME_IN_USE']));
    assert.is(
      await codeOf(
        containers()
          .spawn({...request, name: 'twin'})
          .then(({finished}) => finished),
      ),
      'NAME_IN_USE',
    );
    await store().requireNoTraces();
    assert.equal(readdirSync(join(store().root, 'kept')), ['.locks']);
  });

  test('a run in the foreground is listed, keeps its name, and can be stopped', async () => {
    const command = ['sh', '-c', "trap 'exit 6' TERM; echo up; while :; do sleep 0.05; done"];
    const container = {command, stopTimeoutSeconds: 60};
    const run = await containers().spawn({image: IMAGE, policy: 'never', name: 'front', container});
    let output = '';
    run.stdout.on('data', (piece) => {
      output += piece;
    });
    await eventually(() => output === 'up\n');
    const [listed] = await containers().list();
    assert.equal(
      [listed?.name, listed?.state, listed?.isKept, listed?.image],
      ['front', 'running', false, `${IMAGE}:latest`],
    );
    assert.is(await codeOf(store().create('true', {name: 'front'})), 'NAME_IN_USE');
    await containers().stop('front');
    assert.is((await run.finished).exitCode, 6);
    assert.equal(await containers().list(), []);
  });

  test('what cannot start stays as it was, and says why', async () => {
    const id = await store().create('', {container: {command: ['/nothing']}});
    assert.is(await codeOf(containers().start(id)), 'COMMAND_NOT_FOUND');
    assert.is((await store().find(id)).state, 'created');
    const broken = await store().create('true', {container: {network: 'none', sysctls: {'net.core.somaxconn': 'x'}}});
    assert.is(await codeOf(containers().start(broken)), 'RUNTIME_FAILED');
    assert.equal([(await store().find(broken)).state, await containers().wait(broken)], ['created', 0]);
    await store().requireNoTraces();
  });

  const waitForLine = async (id: string, line = 'up') => {
    for await (const {bytes} of containers().logs(id, {follow: true})) if (bytes.includes(`${line}\n`)) return;
    throw new Error(`${id} has ended without ${line}`);
  };
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
