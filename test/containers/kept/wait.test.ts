import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {missingCgroup, missingEntry, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

describe('containers/kept/wait', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, lacking?: string) =>
    declare(title, body, {skip: skip ?? lacking, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  /** Whether it is still waited for a while later. */
  const isOpen = async (waiting: Promise<unknown>) =>
    (await Promise.race([waiting.then(() => 'over'), sleep(300, 'open')])) === 'open';

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('the next exit of what does not run is that of its next start', async () => {
    const id = await store().start('exit 3');
    assert.is(await containers().wait(id), 3);
    const next = containers().wait(id, {condition: 'next-exit'});
    assert.ok(await isOpen(next));
    await containers().start(id);
    assert.is(await next, 3);
    const running = await store().start('trap "exit 6" TERM; while :; do sleep 0.05; done', {autoRemove: true});
    const ended = containers().wait(running, {condition: 'next-exit'});
    await eventually(async () => (await containers().top(running)).length > 1);
    await containers().stop(running);
    assert.is(await ended, 6);
    await store().requireNoTraces();
  });

  test(
    'waits until it runs, stands still, or is gone',
    async () => {
      const id = await store().create('sleep 600');
      const [runs, stands, gone] = (['running', 'paused', 'removed'] as const).map((condition) =>
        containers().wait(id, {condition}),
      );
      assert.ok(await isOpen(Promise.race([runs, stands, gone])));
      await containers().start(id);
      assert.is(await runs, -1);
      await containers().pause(id);
      assert.is(await stands, -1);
      assert.ok(await isOpen(Promise.resolve(gone)));
      await containers().remove(id, {force: true});
      assert.ok(((await gone) ?? -1) >= 0);
      await store().requireNoTraces();
    },
    missingCgroup(),
  );

  test(
    'waits for its health',
    async () => {
      const health = {command: 'test -e /well', intervalMs: 50, retries: 1};
      const id = await store().start('sleep 600', {container: {health}});
      assert.is(await containers().wait(id, {condition: 'unhealthy'}), -1);
      const well = containers().wait(id, {condition: 'healthy'});
      assert.ok(await isOpen(well));
      await containers().exec(id, {command: ['touch', '/well']});
      assert.is(await well, -1);
      await store().requireNoTraces();
    },
    missingEntry(),
  );

  test('one that is about to start again says so, until somebody wants it to end', async () => {
    const id = await store().start('exit 3', {restart: {name: 'always'}});
    const isRestarting = async () => (await store().find(id)).isRestarting;
    await eventually(isRestarting);
    const {state, exitCode} = await store().find(id);
    if (await isRestarting()) assert.equal([state, exitCode], ['exited', 3]);
    await containers().stop(id);
    assert.is(await isRestarting(), false);
    await store().requireNoTraces();
    const once = await store().start('exit 3', {restart: {name: 'on-failure', maximumRetries: 1}});
    await eventually(async () => {
      const found = await containers().inspect(once);
      return found.made?.restarts === 1 && found.state === 'exited';
    });
    assert.is((await store().find(once)).isRestarting, false);
    await store().requireNoTraces();
  });

  function fail(): never {
    throw new Error('no store');
  }
});
