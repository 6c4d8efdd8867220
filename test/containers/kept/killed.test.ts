import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {identifyProcess} from '../../../src/host/process-identity.ts';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from './kept-store.ts';

const PROGRAM = fileURLToPath(new URL('start-program.ts', import.meta.url));
const BLOWS = 6;
const skip = missingFor('runc', 'busybox', 'conmon');

/** What is true after something was killed. */
describe('containers/kept/killed', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 300_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  /** Starts a container in a process of its own, which is killed after this long. @returns milliseconds that it took */
  const startAndKill = async (id: string, afterMs: number): Promise<number> => {
    const {root, runtimeDirectory} = store();
    const begun = performance.now();
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify({root, runtimeDirectory}), id], {stdio: 'inherit'});
    const ended = once(child, 'exit');
    await Promise.race([ended, sleep(afterMs, undefined, {ref: false})]);
    child.kill('SIGKILL');
    await ended;
    return performance.now() - begun;
  };
  const changeStart = (id: string, change: object) => {
    const path = join(store().root, 'kept', id, 'start.json');
    writeFileSync(path, JSON.stringify({...JSON.parse(readFileSync(path, 'utf8')), ...change}));
  };

  test('U10 a start that is killed at any moment leaves a container that can be started, or one that is seen to run', async () => {
    const script = 'echo started; sleep 600';
    const took = await startAndKill(await store().create(script), 120_000);
    for (let blow = 1; blow < BLOWS; blow += 1) {
      const id = await store().create(script);
      await startAndKill(id, (took * blow) / BLOWS);
      const {state} = await store().find(id);
      assert.ok(state === 'created' || state === 'running', state);
      await containers().start(id);
      assert.is((await store().find(id)).state, 'running');
      await eventually(async () => (await store().readLogs(id)).stdout !== '');
      assert.is((await store().readLogs(id)).stdout, 'started\n', `it was ${state}`);
    }
    await store().requireNoTraces();
  });

  test('a container goes on without conmon, and its end is told as one that nobody saw', async () => {
    const id = await store().start('sleep 600');
    const {process: first, supervisor} = store().readStart(id);
    process.kill(supervisor.pid, 'SIGKILL');
    await eventually(() => identifyProcess(supervisor.pid) === null);
    const running = await store().find(id);
    assert.equal([running.state, running.pid], ['running', first.pid]);
    await containers().stop(id, {timeoutSeconds: 0});
    const ended = await store().find(id);
    assert.equal([ended.state, ended.exitCode, ended.finishedAt], ['exited', 255, null]);
    assert.match(ended.lostBecause ?? '', 'conmon');
    assert.is(await containers().start(id), id);
    await store().requireNoTraces();
  });

  test('U17 a restart of the machine has ended what ran, whoever has its pids now', async () => {
    const id = await store().start('sleep 600');
    await containers().stop(id, {timeoutSeconds: 0});
    const living = identifyProcess(process.pid);
    const note = join(store().root, 'kept', id, 'starts', JSON.parse(readStart(id)).start, 'exit');
    assert.ok(existsSync(note));
    rmSync(note);
    changeStart(id, {process: living, supervisor: living, bootId: 'another'});
    const ended = await store().find(id);
    assert.equal([ended.state, ended.exitCode, ended.lostBecause], ['exited', 255, 'the machine was restarted']);
    await containers().start(id);
    assert.is((await store().find(id)).state, 'running');
    await store().requireNoTraces();
  });

  test('U17 a process that has the pid of a dead one is not taken for it', async () => {
    const id = await store().start('sleep 600');
    await containers().stop(id, {timeoutSeconds: 0});
    rmSync(join(store().root, 'kept', id, 'starts', JSON.parse(readStart(id)).start, 'exit'));
    const other = {pid: process.pid, startTicks: 1};
    changeStart(id, {process: other, supervisor: other});
    assert.is((await store().find(id)).state, 'exited');
    await store().requireNoTraces();
  });

  const readStart = (id: string) => readFileSync(join(store().root, 'kept', id, 'start.json'), 'utf8');
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
