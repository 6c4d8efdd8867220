import {once} from 'node:events';
import {type IncomingMessage, request as startRequest} from 'node:http';
import {createInterface} from 'node:readline';
import * as assert from 'uvu/assert';
import type {KeptStore} from '../containers/kept/kept-store.ts';
import {missingCgroup, missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {type ServedKeptStore, serveKeptStore} from './serve-kept-store.ts';
import type {Served} from './serve-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingCgroup();
const MEBIBYTE = 2 ** 20;

interface Stats {
  readonly id: string;
  readonly name: string;
  readonly read: string;
  readonly preread: string;
  readonly pids_stats: {readonly current?: number};
  readonly cpu_stats: CpuStats;
  readonly precpu_stats: CpuStats;
  readonly memory_stats: {readonly usage?: number; readonly limit?: number};
}

interface CpuStats {
  readonly cpu_usage: {readonly total_usage: number};
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** As docker's command reckons it. */
function percentOf({cpu_stats: now, precpu_stats: before}: Stats): number {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  return passed > 0 ? (used / passed) * (now.online_cpus ?? 0) * 100 : 0;
}

describe('engine-api/stats', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 120_000});
  let opened: ServedKeptStore | undefined;
  let busy = '';
  const served = (): Served => opened ?? fail();
  const store = (): KeptStore => opened?.store ?? fail();
  const readOnce = async (query: string, container = busy) =>
    (await served().ask(`GET /containers/${container}/stats?${query}`)).json() as Stats;

  before(async () => {
    if (skip !== undefined) return;
    opened = await serveKeptStore();
    const container = {memoryBytes: 64 * MEBIBYTE, network: 'none'} as const;
    busy = await opened.store.start('while :; do :; done', {name: 'busy', container});
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('a reading at once tells what was used up to now', async () => {
    const stats = await readOnce('stream=0&one-shot=1');
    assert.equal([stats.id, stats.name, stats.preread], [busy, '/busy', '0001-01-01T00:00:00Z']);
    assert.ok(stats.cpu_stats.cpu_usage.total_usage > 0 && stats.precpu_stats.cpu_usage.total_usage === 0);
    assert.is(stats.memory_stats.limit, 64 * MEBIBYTE);
    assert.ok((stats.pids_stats.current ?? 0) >= 1);
  });

  test('a reading after a second tells how busy it is', async () => {
    const stats = await readOnce('stream=false');
    assert.ok(percentOf(stats) > 1 && Date.parse(stats.read) > Date.parse(stats.preread), JSON.stringify(stats));
  });

  test('goes on every second, past the end of the container and until it is removed', async () => {
    const container = await store().start('sleep 600');
    const path = `/containers/${container}/stats`;
    const request = startRequest({socketPath: served().socketPath, path, agent: false});
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const readings: Stats[] = [];
    for await (const line of createInterface(response)) {
      readings.push(JSON.parse(line));
      if (readings.length === 2) await store().toolkit.containers.kill(container);
      if (readings.at(-1)?.memory_stats.usage === undefined) await store().toolkit.containers.remove(container);
    }
    const [first, second] = readings;
    assert.equal(second?.precpu_stats, first?.cpu_stats);
    assert.is(readings.at(-1)?.id, container);
  });

  test('E05 answers with the statuses of docker, and with nothing of what does not run', async () => {
    assert.is((await served().ask('GET /containers/none/stats?stream=0')).status, 404);
    const stopped = await readOnce('stream=0', await store().create('true'));
    assert.equal([stopped.read, stopped.memory_stats, stopped.pids_stats], ['0001-01-01T00:00:00Z', {}, {}]);
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
