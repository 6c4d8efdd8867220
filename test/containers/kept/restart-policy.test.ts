import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type EndedStart, pauseBeforeRestart} from '../../../src/containers/kept/restart-policy.ts';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {WRITTEN} from '../../helpers/written-directory.ts';
import {eventually, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const FIRST: EndedStart = {exitCode: 1, restarts: 0, pauseMs: 0, ranMs: 5};

describe('containers/kept/restart-policy', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const startsOf = (id: string): number => {
    try {
      return readFileSync(join(store().root, 'kept', id, 'writable', WRITTEN, 'starts'), 'utf8').length;
    } catch {
      return 0;
    }
  };
  /** What conmon starts at the end. */
  const exitProcesses = (id: string) =>
    readdirSync('/proc').filter((pid) => {
      const words = /^\d+$/.test(pid) ? commandLineOf(pid) : '';
      return words.includes('exit-process') && words.includes(id) && !words.includes('conmon');
    });
  const settled = (id: string) => eventually(() => !commandLines().some((words) => words.includes(id)));

  declare('waits twice as long each time, up to a minute, unless it ran for long', () => {
    const pauses = [FIRST];
    for (let restarts = 1; restarts < 13; restarts += 1) {
      const pauseMs = pauseBeforeRestart({name: 'always'}, pauses.at(-1) ?? FIRST) ?? 0;
      pauses.push({...FIRST, restarts, pauseMs});
    }
    assert.equal(
      pauses.map(({pauseMs}) => pauseMs),
      [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000],
    );
    assert.is(pauseBeforeRestart({name: 'always'}, {...FIRST, pauseMs: 60_000, ranMs: 10_000}), 100);
  });

  declare('starts again by the code, and so many times', () => {
    assert.is(pauseBeforeRestart({name: 'always'}, {...FIRST, exitCode: 0}), 100);
    assert.is(pauseBeforeRestart({name: 'unless-stopped'}, {...FIRST, exitCode: 0}), 100);
    assert.is(pauseBeforeRestart({name: 'on-failure'}, {...FIRST, exitCode: 0}), null);
    assert.is(pauseBeforeRestart({name: 'on-failure'}, {...FIRST, restarts: 1000}), 100);
    assert.is(pauseBeforeRestart({name: 'on-failure', maximumRetries: 2}, {...FIRST, restarts: 1}), 100);
    assert.is(pauseBeforeRestart({name: 'on-failure', maximumRetries: 2}, {...FIRST, restarts: 2}), null);
  });

  test('what fails is tried again, without anybody there, and stays when it has failed too often', async () => {
    const restart = {name: 'on-failure', maximumRetries: 2} as const;
    const id = await store().start('echo -n x >> /starts; exit 3', {restart});
    await eventually(() => startsOf(id) === 3);
    await settled(id);
    const {state, exitCode, made} = await containers().inspect(id);
    assert.equal([startsOf(id), state, exitCode, made?.restarts], [3, 'exited', 3, 2]);
    await containers().start(id);
    await eventually(() => startsOf(id) === 6);
    await settled(id);
    await store().requireNoTraces();
  });

  test('what succeeds is left alone', async () => {
    const id = await store().start('echo -n x >> /starts', {restart: {name: 'on-failure'}});
    await containers().wait(id);
    await settled(id);
    assert.is(startsOf(id), 1);
    await store().requireNoTraces();
  });

  test('stop ends it, between two starts as well', async () => {
    const always = {name: 'always'} as const;
    const busy = await store().start('echo -n x >> /starts', {restart: always});
    const steady = await store().start('echo -n x >> /starts; exec sleep 600', {restart: always});
    await eventually(() => startsOf(busy) >= 4 && startsOf(steady) === 1);
    for (const id of [busy, steady]) await containers().stop(id, {timeoutSeconds: 0});
    for (const id of [busy, steady]) await settled(id);
    assert.equal([(await store().find(busy)).state, (await store().find(steady)).state], ['exited', 'exited']);
    assert.is(startsOf(steady), 1);
    await store().requireNoTraces();
  });

  test('a command that is killed from within starts again, one that is killed by winch does not', async () => {
    const restart = {name: 'unless-stopped'} as const;
    const id = await store().start('echo -n x >> /starts; exec sleep 600', {restart});
    await eventually(() => startsOf(id) === 1);
    process.kill(store().readStart(id).process.pid, 'SIGKILL');
    await eventually(() => startsOf(id) === 2);
    await eventually(async () => (await store().find(id)).state === 'running');
    await containers().restart(id, {timeoutSeconds: 0});
    await eventually(() => startsOf(id) === 3);
    await containers().kill(id);
    await settled(id);
    assert.is(startsOf(id), 3);
    await store().requireNoTraces();
  });

  test('a container that is removed in between is gone', async () => {
    const id = await store().start('echo -n x >> /starts; exit 1', {restart: {name: 'always'}});
    await eventually(() => startsOf(id) >= 3);
    await containers().remove(id, {force: true});
    await settled(id);
    await store().requireNoTraces();
  });

  test('without the process that waits to start it, it stays as it has ended', async () => {
    const id = await store().start('echo -n x >> /starts; exit 1', {restart: {name: 'always'}});
    await eventually(() => startsOf(id) >= 4 && exitProcesses(id).length === 1);
    // One that had just started the container again is followed by another.
    for (let state = 'running'; state === 'running'; ) {
      for (const pid of exitProcesses(id)) process.kill(Number(pid), 'SIGKILL');
      ({state} = await store().find(id));
    }
    await containers().remove(id, {force: true});
    await settled(id);
    await store().requireNoTraces();
  });
});

const commandLines = (): readonly string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map(commandLineOf);

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const fail = (): never => {
  throw new Error('the store was not opened');
};
