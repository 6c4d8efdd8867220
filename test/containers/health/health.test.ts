import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {HealthOptions} from '../../../src/bundle/container-options.ts';
import {readProcess} from '../../../src/host/process-details.ts';
import type {StoreEvent} from '../../../src/store/store-event.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingEntry, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from '../kept/kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingEntry();
const SERVE = 'touch /well; exec sleep 600';
const CHECK = {command: 'echo looked; test -e /well', intervalMs: 100, retries: 2} as const;

describe('containers/health', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
  const serve = (health: HealthOptions, more: {readonly name?: string} = {}) =>
    store().start(SERVE, {...more, container: {health}});
  const statusOf = async (id: string) => (await store().find(id)).health?.status;
  const run = (id: string, script: string) => containers().exec(id, {command: ['sh', '-c', script]});
  const watchersOf = (id: string): readonly number[] => {
    const found = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => isWatcher(commandLineOf(pid), id))
      .flatMap((pid) => readProcess(pid) ?? []);
    // A shell that is about to run a program is two for a moment.
    return found.filter(({parentPid}) => !found.some(({pid}) => pid === parentPid)).map(({pid}) => pid);
  };
  const readStatuses = async (id: string): Promise<readonly string[]> => {
    const found: StoreEvent[] = [];
    const options = {since: new Date(0), until: new Date(), filters: {container: [id], event: ['health_status']}};
    for await (const event of store().toolkit.events(options)) found.push(event);
    return found.map(({Action}) => Action);
  };

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('a container is starting, becomes healthy, then unhealthy, and healthy again', async () => {
    const id = await serve({...CHECK, startPeriodMs: 60_000, startIntervalMs: 100});
    assert.is(await statusOf(id), 'starting');
    await containers().waitUntilHealthy(id);
    const {health} = await containers().inspect(id);
    assert.equal([health?.status, health?.failingStreak, health?.log[0]?.exitCode], ['healthy', 0, 0]);
    assert.is(health?.log[0]?.output, 'looked\n');
    await run(id, 'rm /well');
    await eventually(async () => (await statusOf(id)) === 'unhealthy');
    const sick = (await containers().inspect(id)).health;
    assert.ok((sick?.failingStreak ?? 0) >= CHECK.retries);
    assert.ok((sick?.log.length ?? 0) <= 5);
    assert.is(await codeOf(containers().waitUntilHealthy(id)), 'CONTAINER_UNHEALTHY');
    await run(id, 'touch /well');
    await containers().checkHealth(id);
    assert.is(await statusOf(id), 'healthy');
    await containers().kill(id);
    await containers().wait(id);
    assert.equal(await readStatuses(id), [
      ...['health_status: healthy', 'health_status: unhealthy', 'health_status: healthy'],
    ]);
    assert.is(await statusOf(id), 'unhealthy', 'what does not run does no work');
    assert.is(await codeOf(containers().waitUntilHealthy(id)), 'CONTAINER_STOPPED');
    await store().requireNoTraces();
  });

  test('failures do not count as long as it is starting', async () => {
    const id = await store().start('sleep 600', {
      container: {health: {command: 'false', retries: 1, startPeriodMs: 600_000, startIntervalMs: 60_000}},
    });
    for (let round = 0; round < 3; round += 1) await containers().checkHealth(id);
    const {health} = await containers().inspect(id);
    assert.equal([health?.status, health?.failingStreak, health?.log.length], ['starting', 0, 3]);
    await store().requireNoTraces();
  });

  test('tells of checks that take too long, print much, cannot start, or leave something behind', async () => {
    const check = async (command: string | readonly string[]) => {
      const id = await serve({command, intervalMs: 3_600_000, timeoutMs: 1000});
      const {result} = await containers().checkHealth(id);
      await containers().remove(id, {force: true});
      return result;
    };
    const late = await check('echo before; sleep 600');
    assert.equal([late.exitCode, late.output], [-1, 'Health check exceeded timeout (1s): before\n']);
    const loud = await check('yes | head -c 1000000; exit 4');
    assert.equal([loud.exitCode, loud.output.length], [4, 4096]);
    const absent = await check(['/no/such/program']);
    assert.equal([absent.exitCode, absent.output.includes('/no/such/program')], [-1, true]);
    const parent = await check('echo done; sleep 600 &');
    assert.equal([parent.exitCode, parent.output], [-1, 'Health check exceeded timeout (1s): done\n']);
    await store().requireNoTraces();
  });

  test('who watches is one, comes back when it was killed, and goes with the container', async () => {
    const id = await serve({...CHECK, intervalMs: 3_600_000});
    const [first = 0, ...more] = watchersOf(id);
    assert.equal(more, []);
    const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${first}/status`, 'utf8'))?.[1]);
    assert.ok(memory < 4096, `${memory} KiB`);
    await Promise.all([containers().list(), containers().inspect(id), containers().list()]);
    assert.equal(watchersOf(id), [first]);
    process.kill(first, 'SIGKILL');
    await eventually(() => watchersOf(id).length === 0);
    await Promise.all([containers().list(), containers().list()]);
    assert.is(watchersOf(id).length, 1);
    await containers().stop(id, {timeoutSeconds: 0});
    assert.equal(watchersOf(id), []);
    await containers().start(id);
    await eventually(() => watchersOf(id).length === 1);
    const {process: main} = store().readStart(id);
    process.kill(main.pid, 'SIGKILL');
    await eventually(() => watchersOf(id).length === 0);
    await store().requireNoTraces();
  });

  test('what is paused, does not run, or is not checked is not checked', async () => {
    const id = await serve({...CHECK, intervalMs: 3_600_000});
    await containers().pause(id);
    assert.is(await codeOf(containers().checkHealth(id)), 'CONTAINER_PAUSED');
    await containers().unpause(id);
    await containers().stop(id, {timeoutSeconds: 0});
    assert.is(await codeOf(containers().checkHealth(id)), 'CONTAINER_STOPPED');
    const plain = await store().start('sleep 600');
    assert.is(await codeOf(containers().checkHealth(plain)), 'HEALTHCHECK_MISSING');
    assert.is(await codeOf(containers().waitUntilHealthy(plain)), 'HEALTHCHECK_MISSING');
    assert.equal([(await store().find(plain)).health, watchersOf(plain)], [null, []]);
    assert.is(await codeOf(store().create('true', {container: {health: {retries: 2}}})), 'HEALTHCHECK_INVALID');
    await store().requireNoTraces();
  });

  test('a run in the foreground is checked as well', async () => {
    const health = {command: 'test -e /well', intervalMs: 100};
    const command = ['sh', '-c', 'touch /well; echo up; exec sleep 600'];
    const request = {image: IMAGE, policy: 'never', name: 'front', container: {command, health}} as const;
    {
      await using run = await containers().spawn(request);
      await new Promise((resolve) => run.stdout.once('data', resolve));
      await containers().waitUntilHealthy('front');
      const [listed] = await containers().list();
      assert.equal([listed?.name, listed?.health?.status], ['front', 'healthy']);
      run.kill('SIGKILL');
      await run.finished.catch(() => {});
    }
    assert.equal(await containers().list(), []);
    await store().requireNoTraces();
  });

  function fail(): never {
    throw new Error('no store');
  }
});

const isWatcher = (words: readonly string[], id: string): boolean =>
  words.includes('winch-health') && words.includes(id);

function commandLineOf(pid: number): readonly string[] {
  const path = join('/proc', String(pid), 'cmdline');
  try {
    return existsSync(path) ? readFileSync(path, 'utf8').split('\0') : [];
  } catch {
    return [];
  }
}
