import {existsSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {readHostFacts} from '../../../src/bundle/host-facts.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingCgroup, missingEntry, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {WRITTEN} from '../../helpers/written-directory.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';

const MEBIBYTE = 2 ** 20;
const MAYBE = {throwIfNoEntry: false} as const;
const skip = missingFor('runc', 'busybox', 'conmon');
const WAIT_FOR_TERM = "trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.05; done";
const COUNT = 'echo up; while :; do echo tick >> /ticks; sleep 0.02; done';

/** What is done to containers between their start and their end. */
describe('containers/kept/states', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, lacking?: string) =>
    declare(title, body, {skip: skip ?? lacking, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
  const ticksOf = (id: string) =>
    statSync(join(store().root, 'kept', id, 'writable', WRITTEN, 'ticks'), MAYBE)?.size ?? 0;
  const waitForLine = async (id: string, line = 'up') => {
    for await (const {bytes} of containers().logs(id, {follow: true})) if (bytes.includes(`${line}\n`)) return;
    throw new Error(`${id} has ended without ${line}`);
  };

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test(
    'stands still while it is paused, and goes on after that',
    async () => {
      const id = await store().start(COUNT);
      await eventually(() => ticksOf(id) > 0);
      assert.is(await containers().pause(id), id);
      const before = ticksOf(id);
      const {state, isPaused} = await store().find(id);
      assert.equal([state, isPaused], ['running', true]);
      assert.is(await codeOf(containers().pause(id)), 'CONTAINER_PAUSED');
      assert.is(await codeOf(containers().exec(id, {command: ['true']})), 'CONTAINER_PAUSED');
      assert.is(ticksOf(id), before);
      await containers().unpause(id);
      assert.is((await store().find(id)).isPaused, false);
      await eventually(() => ticksOf(id) > before);
      assert.is(await codeOf(containers().unpause(id)), 'CONTAINER_NOT_PAUSED');
      await containers().remove(id, {force: true});
      for (const call of ['pause', 'unpause', 'top'] as const) {
        assert.is(await codeOf(containers()[call](id)), 'CONTAINER_UNKNOWN');
        assert.is(await codeOf(containers()[call](await idleOne())), 'CONTAINER_STOPPED');
      }
      await store().requireNoTraces();
    },
    missingCgroup(),
  );

  test(
    'a paused container ends as another one does',
    async () => {
      const [gentle, killed, removed] = [
        await store().start(WAIT_FOR_TERM),
        await store().start(WAIT_FOR_TERM),
        await store().start(WAIT_FOR_TERM),
      ];
      for (const id of [gentle, killed, removed]) await waitForLine(id);
      for (const id of [gentle, killed, removed]) await containers().pause(id);
      await containers().stop(gentle);
      assert.equal([await containers().wait(gentle), (await store().find(gentle)).isPaused], [9, false]);
      await containers().kill(killed);
      assert.is(await containers().wait(killed), 137);
      await containers().remove(removed, {force: true});
      await store().requireNoTraces();
    },
    missingCgroup(),
  );

  test(
    'a run of another terminal can be paused, and leaves nothing when its winch is killed then',
    async () => {
      const command = ['sh', '-c', COUNT];
      const run = await containers().spawn({image: IMAGE, policy: 'never', name: 'front', container: {command}});
      let output = '';
      run.stdout.on('data', (piece) => {
        output += piece;
      });
      await eventually(() => output === 'up\n');
      await containers().pause('front');
      const [listed] = await containers().list();
      assert.equal([listed?.name, listed?.isPaused], ['front', true]);
      run.kill('SIGKILL');
      await run.finished.catch(() => {});
      assert.equal(await containers().list(), []);
      await store().requireNoTraces();
    },
    missingCgroup(),
  );

  test(
    'starts again with what it has written, whether it ran or not',
    async () => {
      const id = await store().start('echo again >> /mark; cat /mark; exec sleep 600');
      await waitForLine(id, 'again');
      await containers().pause(id);
      assert.is(await containers().restart(id, {timeoutSeconds: 0}), id);
      await waitForLine(id, 'again\nagain');
      await containers().stop(id, {timeoutSeconds: 0});
      await containers().restart(id);
      assert.is((await store().find(id)).state, 'running');
      assert.is(await codeOf(containers().restart('none')), 'CONTAINER_UNKNOWN');
      await store().requireNoTraces();
    },
    missingCgroup(),
  );

  test('one that ends by itself while it is stopped can be removed after that', async () => {
    const id = await store().start('exec sleep 600');
    const {process: first, supervisor} = store().readStart(id);
    process.kill(supervisor.pid, 'SIGSTOP');
    process.kill(first.pid, 'SIGKILL');
    const later = setTimeout(() => process.kill(supervisor.pid, 'SIGCONT'), 300);
    await containers().stop(id);
    clearTimeout(later);
    assert.is((await store().find(id)).exitCode, 137);
    await containers().remove(id);
  });

  test('one that is to go when it ends outlives its restart', async () => {
    const id = await store().start('echo up; exec sleep 600', {autoRemove: true});
    for (let round = 0; round < 3; round += 1) await containers().restart(id, {timeoutSeconds: 0});
    assert.is((await store().find(id)).state, 'running');
    await containers().stop(id, {timeoutSeconds: 0});
    await eventually(() => !existsSync(join(store().root, 'kept', id)));
    await store().requireNoTraces();
  });

  test('gets another name, which nobody else has, while it runs', async () => {
    const id = await store().start('sleep 600', {name: 'first'});
    const other = await store().create('true', {name: 'other'});
    assert.is(await containers().rename('first', 'second'), id);
    assert.equal(
      [(await store().find(id)).name, await codeOf(containers().stop('first'))],
      ['second', 'CONTAINER_UNKNOWN'],
    );
    assert.is(await codeOf(containers().rename('second', 'other')), 'NAME_IN_USE');
    assert.is(await codeOf(containers().rename('second', '-x')), 'NAME_INVALID');
    assert.is(await codeOf(containers().rename('first', 'third')), 'CONTAINER_UNKNOWN');
    assert.is(await containers().rename('second', 'second'), id);
    assert.is(
      await store()
        .create('true', {name: 'first'})
        .then(() => 'free'),
      'free',
    );
    const again = await store().open();
    assert.is((await again.containers.inspect('second')).id, id);
    assert.is((await store().find(other)).name, 'other');
    await store().requireNoTraces();
  });

  test('of several that want one name at once exactly one gets it, by rename or by create', async () => {
    const ids = await Promise.all(Array.from({length: 4}, (_, index) => store().create('true', {name: `a${index}`})));
    const toolkits = await Promise.all(ids.map(() => store().open()));
    const renames = toolkits.map((toolkit, index) => toolkit.containers.rename(`a${index}`, 'wanted'));
    const outcomes = await Promise.allSettled([...renames, store().create('true', {name: 'wanted'})]);
    assert.is(outcomes.filter(({status}) => status === 'fulfilled').length, 1);
    const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    assert.equal(new Set(codes), new Set(['NAME_IN_USE']));
    assert.is((await containers().list()).filter(({name}) => name === 'wanted').length, 1);
    await store().requireNoTraces();
  });

  test(
    'its processes are told, of all its commands',
    async () => {
      const id = await store().start('sleep 600 & exec sleep 601');
      await containers().exec(id, {command: ['sleep', '602'], user: 'alice', detach: true});
      await eventually(
        async () => (await containers().top(id)).filter(({command}) => command[0] === 'sleep').length === 3,
      );
      const processes = await containers().top(id);
      assert.equal(processes.map(({command}) => command.join(' ')).toSorted(), ['sleep 600', 'sleep 601', 'sleep 602']);
      const [first] = processes;
      assert.equal([first?.pid, first?.command, first?.userId], [(await store().find(id)).pid, ['sleep', '601'], 0]);
      assert.is(processes.find(({command}) => command[1] === '602')?.userId, 1000);
      assert.is(processes.find(({command}) => command[1] === '600')?.parentPid, first?.pid);
      await store().requireNoTraces();
    },
    missingEntry(),
  );

  test(
    'gets another weight of its reads and writes of disks',
    async () => {
      const id = await store().start('sleep 600', {container: {blkioWeight: 200}});
      assert.ok(weighs(id, [200, 1920]));
      await containers().update(id, {blkioWeight: 300});
      assert.ok(weighs(id, [300, 2930]));
      assert.is((await containers().inspect(id)).made?.options.blkioWeight, 300);
      await containers().update(id, {pidsLimit: 20});
      assert.ok(weighs(id, [300, 2930]));
      assert.is(await codeOf(containers().update(id, {blkioWeight: 1001})), 'RESOURCE_INVALID');
      await store().requireNoTraces();
    },
    readHostFacts().cgroup.hasBlockIoWeights ? missingCgroup() : 'no disk has a scheduler with weights',
  );

  test(
    'gets other limits while it runs, which hold for later starts as well',
    async () => {
      const id = await store().start('sleep 600', {container: {memoryBytes: 64 * MEBIBYTE}});
      assert.equal([limitOf(id, 'memory'), limitOf(id, 'pids')], [64 * MEBIBYTE, null]);
      assert.is(await containers().update(id, {memoryBytes: 32 * MEBIBYTE, pidsLimit: 20}), id);
      assert.equal([limitOf(id, 'memory'), limitOf(id, 'pids')], [32 * MEBIBYTE, 20]);
      assert.is(await codeOf(containers().update(id, {memoryBytes: 1})), 'RESOURCE_INVALID');
      await containers().restart(id, {timeoutSeconds: 0});
      assert.equal([limitOf(id, 'memory'), limitOf(id, 'pids')], [32 * MEBIBYTE, 20]);
      await containers().stop(id, {timeoutSeconds: 0});
      await containers().update(id, {pidsLimit: -1, restart: {name: 'always'}});
      const {made} = await containers().inspect(id);
      assert.equal([made?.options.pidsLimit, made?.options.memoryBytes], [-1, 32 * MEBIBYTE]);
      assert.equal(made?.restart, {name: 'always'});
      await containers().update(id, {restart: null});
      assert.is((await containers().inspect(id)).made?.restart, null);
      await store().requireNoTraces();
    },
    missingCgroup(),
  );

  test('prune removes what does not run, and nothing else', async () => {
    const running = await store().start('sleep 600');
    const ended = await store().start('head -c 100000 /dev/zero > /file');
    await containers().wait(ended);
    const sized = (await containers().list({size: true})).find(({id}) => id === ended)?.writtenBytes ?? 0;
    // A copy has the image's files as well.
    assert.ok(sized >= 100_000 && (sized < 200_000 || WRITTEN === 'rootfs'), `${sized}`);
    assert.is((await store().find(ended)).writtenBytes, undefined);
    const labelled = await store().create('true', {container: {labels: {keep: 'yes'}}});
    const filters = {createdBefore: Date.now() - 60_000};
    assert.equal(await containers().prune(filters), {deleted: [], freedBytes: 0});
    const labels = [{name: 'keep', value: null, isExcluded: true}];
    const {deleted, freedBytes} = await containers().prune({labels});
    assert.equal(
      [deleted, freedBytes >= 100_000, freedBytes < 1_000_000 || WRITTEN === 'rootfs'],
      [[ended], true, true],
      `${freedBytes}`,
    );
    assert.equal((await containers().prune()).deleted, [labelled]);
    assert.equal(
      (await containers().list()).map(({id}) => id),
      [running],
    );
    await store().requireNoTraces();
  });

  test(
    'is described with what the image says and what was asked for',
    async () => {
      const container = {environment: ['A=1'], labels: {tier: 'front'}, memoryBytes: 64 * 2 ** 20};
      const id = await store().create('echo text > /file', {name: 'described', container});
      const created = await containers().inspect('described');
      assert.equal(
        [created.state, created.imageConfig?.Cmd, created.made?.hostname],
        ['created', ['/bin/sh'], id.slice(0, 12)],
      );
      assert.equal(created.made?.environment, ['PATH=/bin', 'A=1']);
      assert.equal([created.made?.options.memoryBytes, created.made?.writtenBytes], [container.memoryBytes, null]);
      await containers().start(id);
      await containers().wait(id);
      const ended = await containers().inspect(id, {size: true});
      assert.equal([ended.state, ended.exitCode, (ended.made?.writtenBytes ?? 0) > 4], ['exited', 0, true]);
      assert.is(await codeOf(containers().inspect('none')), 'CONTAINER_UNKNOWN');
      await store().requireNoTraces();
    },
    missingCgroup(),
  );

  const idleOne = () => store().create('true');
});

/** Of its cgroup; null: none. */
function limitOf(id: string, controller: 'memory' | 'pids'): number | null {
  const files = {memory: ['memory.limit_in_bytes', 'memory.max'], pids: ['pids.max', 'pids.max']}[controller];
  const paths = [`/sys/fs/cgroup/${controller}/winch-${id}/${files[0]}`, `/sys/fs/cgroup/winch-${id}/${files[1]}`];
  const path = paths.find((candidate) => existsSync(candidate)) ?? '';
  const limit = Number(readFileSync(path, 'utf8'));
  return Number.isFinite(limit) ? limit : null;
}

/** @param weight As it was asked for, and as the kernel's own scale of v2 has it. */
function weighs(id: string, weight: readonly number[]): boolean {
  const v1 = ['weight', 'bfq.weight'].map((name) => `/sys/fs/cgroup/blkio/winch-${id}/blkio.${name}`);
  const v2 = ['bfq.weight', 'weight'].map((name) => `/sys/fs/cgroup/winch-${id}/io.${name}`);
  const path = [...v1, ...v2].find((candidate) => existsSync(candidate)) ?? '';
  return weight.includes(Number(readFileSync(path, 'utf8').replace('default', '')));
}

const fail = (): never => {
  throw new Error('the store was not opened');
};
