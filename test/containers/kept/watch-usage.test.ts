import * as assert from 'uvu/assert';
import type {ContainerUsage} from '../../../src/containers/kept/watch-usage.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingCgroup, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingCgroup();
const INTERVAL_MS = 100;
const MEBIBYTE = 1024 * 1024;

describe('containers/kept/watch-usage', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 120_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const watch = (containers?: readonly string[]) =>
    store().toolkit.containers.stats({containers, intervalMs: INTERVAL_MS});

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('tells a busy container from one that sleeps, and what each may use', async () => {
    const options = {container: {memoryBytes: 64 * MEBIBYTE, network: 'none'}} as const;
    const busy = await store().start('while :; do :; done', options);
    const idle = await store().start('sleep 1000', {container: {network: 'host'}});
    const find = (usages: readonly ContainerUsage[], id: string) => usages.find((usage) => usage.id === id) ?? fail();
    let seconds = 0;
    for await (const usages of watch()) {
      const [first, second] = [find(usages, busy), find(usages, idle)];
      assert.ok((first.cpuSeconds ?? 0) > seconds);
      assert.ok((first.busyProcessors ?? 0) > (second.busyProcessors ?? 1), JSON.stringify([first, second]));
      assert.is(first.memoryLimitBytes, 64 * MEBIBYTE);
      assert.is(first.availableMemoryBytes, 64 * MEBIBYTE);
      assert.is(second.memoryLimitBytes, null);
      assert.ok((first.memoryBytes ?? 0) > 0 && (first.memoryBytes ?? 0) < 64 * MEBIBYTE);
      assert.ok((first.pids ?? 0) >= 1);
      assert.equal([first.network, second.network], [{receivedBytes: 0, sentBytes: 0}, null]);
      if (seconds > 0) break;
      seconds = first.cpuSeconds ?? 0;
    }
    for (const id of [busy, idle]) await store().toolkit.containers.remove(id, {force: true});
  });

  test('ends with the last of the containers that were named', async () => {
    const id = await store().start('sleep 1000');
    const readings: (readonly ContainerUsage[])[] = [];
    for await (const usages of watch([id])) {
      readings.push(usages);
      if (readings.length === 1) await store().toolkit.containers.kill(id);
    }
    assert.ok(readings.length >= 1);
    assert.is((await rejectionOf(watch([id]).next())).code, 'CONTAINER_STOPPED');
    assert.is((await rejectionOf(watch(['nobody']).next())).code, 'CONTAINER_UNKNOWN');
  });
});

function fail(): never {
  throw new Error('it is not there');
}
