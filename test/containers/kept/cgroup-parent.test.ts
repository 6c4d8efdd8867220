import {mkdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {toDockerContainer} from '../../../src/docker-json/container.ts';
import {readCgroups} from '../../../src/host/cgroups.ts';
import {readOwnCgroupPath} from '../../../src/host/own-cgroup-path.ts';
import {listCgroups} from '../../helpers/container-traces.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingCgroup, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingCgroup();
/** Nobody else's. */
const NAME = `winch-parent-${process.pid}`;
const IS_UNIFIED = readCgroups().version === 'v2';
const MEMORY = IS_UNIFIED ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
const LIMIT_FILE = IS_UNIFIED ? 'memory.max' : 'memory.limit_in_bytes';
const LIMIT_BYTES = 16 * 1024 * 1024;
const HUNGRY = 'head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null; exit 137';

describe('containers/kept/cgroup-parent', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
  const parents = () => listCgroups().filter((path) => path.includes(NAME));
  const requireNoParents = async () => {
    await store().requireNoTraces();
    assert.equal(parents(), []);
  };

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('is below its parent, and all that is done to it finds it there', async () => {
    const container = {cgroupParent: `/${NAME}/builds`, cgroupns: 'host'} as const;
    const id = await store().start('while :; do :; done', {container});
    const {pid} = store().readStart(id).process;
    const places = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
    assert.equal([...new Set(places.map((line) => line.split(':')[2]))], [`/${NAME}/builds/winch-${id}`]);

    const seen = await containers().exec(id, {
      command: ['grep', '-c', `/${NAME}/builds/winch-`, '/proc/self/cgroup'],
    });
    assert.is(seen, 0);
    assert.is((await containers().top(id))[0]?.pid, pid);
    await containers().pause(id);
    assert.is((await store().find(id)).isPaused, true);
    await containers().unpause(id);
    assert.is((await store().find(id)).isPaused, false);

    await containers().update(id, {memoryBytes: LIMIT_BYTES});
    const limit = join(MEMORY, NAME, 'builds', `winch-${id}`, LIMIT_FILE);
    assert.is(Number(readFileSync(limit, 'utf8')), LIMIT_BYTES);
    for await (const [usage] of containers().stats({containers: [id], intervalMs: 50})) {
      assert.is(usage?.memoryLimitBytes, LIMIT_BYTES);
      assert.ok((usage?.cpuSeconds ?? 0) > 0);
      break;
    }
    assert.is(toDockerContainer(await containers().inspect(id)).HostConfig?.CgroupParent, `/${NAME}/builds`);
    await requireNoParents();
  });

  test('what is paused ends with a stop, and a removal by force', async () => {
    for (const end of [
      (id: string) => containers().stop(id, {timeoutSeconds: 0}),
      (id: string) => containers().remove(id, {force: true}),
    ]) {
      const id = await store().start('sleep 1000', {container: {cgroupParent: `/${NAME}`}});
      await containers().pause(id);
      await end(id);
    }
    await requireNoParents();
  });

  test('is below the own cgroup where the path is a relative one', async () => {
    // There, a cgroup with processes of its own gives none of its limits on to others.
    if (IS_UNIFIED) return;
    const id = await store().start('sleep 1000', {container: {cgroupParent: NAME}});
    const place = readFileSync(`/proc/${store().readStart(id).process.pid}/cgroup`, 'utf8');
    assert.ok(place.includes(`:${join(readOwnCgroupPath() ?? '', NAME, `winch-${id}`)}\n`), place);
    await requireNoParents();
  });

  test('a parent that was there stays; one that two containers share stays as long as one of them', async () => {
    mkdirSync(join(MEMORY, NAME));
    const container = {cgroupParent: `/${NAME}/shared`};
    const [first, second] = [await store().start('sleep 1000', {container}), await store().start('true', {container})];
    await containers().wait(second);
    await containers().remove(second);
    assert.is((await store().find(first)).state, 'running');
    await store().requireNoTraces();
    assert.equal(parents(), [join(MEMORY, NAME)]);
    rmdirSync(join(MEMORY, NAME));
  });

  test('starts again where it was', async () => {
    const id = await store().start('true', {container: {cgroupParent: `/${NAME}`}});
    await containers().wait(id);
    await containers().restart(id);
    assert.is(await containers().wait(id), 0);
    await requireNoParents();
  });

  test('is told to have wanted memory that the parent has not', async () => {
    mkdirSync(join(MEMORY, NAME));
    writeFileSync(join(MEMORY, NAME, LIMIT_FILE), String(LIMIT_BYTES));
    const container = {command: ['sh', '-c', HUNGRY], cgroupParent: `/${NAME}`};
    const id = await store().start(HUNGRY, {container});
    assert.is(await containers().wait(id), 137);
    assert.is((await store().find(id)).outOfMemory, true);
    await using run = await containers().spawn({image: IMAGE, policy: 'never', container});
    run.stdin.end();
    assert.equal((await run.finished).outOfMemory, true);
    await store().requireNoTraces();
    rmdirSync(join(MEMORY, NAME));
    assert.equal(parents(), []);
  });

  test('a run is below its parent as well, and what fails to start leaves none', async () => {
    const command = ['grep', '-c', `/${NAME}/winch-`, '/proc/self/cgroup'];
    const request = {image: IMAGE, policy: 'never'} as const;
    await using run = await containers().spawn({
      ...request,
      container: {command, cgroupns: 'host', cgroupParent: `/${NAME}`},
    });
    run.stdin.end();
    assert.is((await run.finished).exitCode, 0);
    await using missing = await containers().spawn({
      ...request,
      container: {command: ['/missing'], cgroupParent: `/${NAME}`},
    });
    missing.stdin.end();
    assert.is(await codeOf(missing.finished), 'COMMAND_NOT_FOUND');
    const id = await store().create('true', {container: {command: ['/missing'], cgroupParent: `/${NAME}`}});
    assert.is(await codeOf(containers().start(id)), 'COMMAND_NOT_FOUND');
    await requireNoParents();
  });

  test('refuses what is no parent', async () => {
    assert.is(await codeOf(store().create('true', {container: {cgroupParent: '/a/../b'}})), 'CGROUP_PARENT_INVALID');
    assert.is(await codeOf(store().create('true', {container: {cgroupParent: 'ci.slice'}})), 'CGROUP_PARENT_INVALID');
    const file = await store().create('true', {container: {cgroupParent: '/cgroup.procs'}});
    assert.is(await codeOf(containers().start(file)), 'CGROUP_PARENT_INVALID');
    await requireNoParents();
  });
});

function fail(): never {
  throw new Error('the store was not opened');
}
