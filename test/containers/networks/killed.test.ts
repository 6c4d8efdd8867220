import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, globSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {identifyProcess} from '../../../src/host/process-identity.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from '../kept/kept-store.ts';
import {bridgeOf, readMachine, requireAsBefore, networkSkip as skip, until} from './network-lab.ts';

const START = fileURLToPath(new URL('../kept/start-program.ts', import.meta.url));
const CALL = fileURLToPath(new URL('../kept/call-program.ts', import.meta.url));
const RUN = fileURLToPath(new URL('run-program.ts', import.meta.url));
const BLOWS = 8;

/** What is true of networks after something was killed. */
describe('containers/networks/killed', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 300_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const container = {
    network: {networks: [{name: 'bridge'}]},
    publish: [{hostAddress: null, hostPorts: null, containerPort: 80, protocol: 'tcp'}],
  } as const;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  /** @returns milliseconds that it took */
  const killAfter = async (
    program: string,
    argument: string,
    afterMs: number,
    more: readonly string[] = [],
  ): Promise<number> => {
    const {root, runtimeDirectory} = store();
    const begun = performance.now();
    const options = JSON.stringify({root, runtimeDirectory});
    const child = spawn(process.execPath, [program, options, argument, ...more], {stdio: 'inherit'});
    const ended = once(child, 'exit');
    await Promise.race([ended, sleep(afterMs, undefined, {ref: false})]);
    child.kill('SIGKILL');
    await ended;
    return performance.now() - begun;
  };

  test('a start that is killed at any moment leaves nothing that the next command does not clear', async () => {
    const machine = readMachine(store().runtimeDirectory);
    const took = await killAfter(START, await store().create('sleep 600', {container}), 120_000);
    for (let blow = 1; blow < BLOWS; blow += 1) {
      await killAfter(START, await store().create('sleep 600', {container}), (took * blow) / BLOWS);
    }
    const states = (await store().toolkit.containers.list()).map(({state}) => state);
    const {containers} = await store().toolkit.networks.inspect('bridge');
    assert.is(containers.length, states.filter((state) => state === 'running').length, states.join());
    await store().requireNoTraces();
    await requireAsBefore(machine, store().runtimeDirectory);
  });

  test('a run that is killed at any moment is cleared by the next command', async () => {
    const machine = readMachine(store().runtimeDirectory);
    const request = (script: string) =>
      JSON.stringify({image: IMAGE, policy: 'never', container: {...container, command: ['sh', '-c', script]}});
    const took = await killAfter(RUN, request('true'), 120_000);
    await requireAsBefore(machine, store().runtimeDirectory);
    for (let blow = 1; blow < BLOWS; blow += 1) await killAfter(RUN, request('sleep 600'), (took * blow) / BLOWS);
    await until(async () => (await store().toolkit.containers.list()).length === 0);
    await requireAsBefore(machine, store().runtimeDirectory);
  });

  /** How far a run has got, as its directory and the machine tell. */
  const STAGES: Readonly<Record<string, () => boolean>> = {
    'what is to be done is noted': () => isThere('containers/*/network.json'),
    'the bridge is made': () => existsSync(`/sys/class/net/${bridgeOf(store().runtimeDirectory)}`),
    'the container runs': () => isThere('runc/*/state.json'),
  };
  const isThere = (pattern: string) => globSync(join(store().runtimeDirectory, pattern)).length > 0;

  for (const [stage, isReached] of Object.entries(STAGES)) {
    test(`a run that is killed when ${stage} is cleared by the next command`, async () => {
      const machine = readMachine(store().runtimeDirectory);
      const {root, runtimeDirectory} = store();
      const request = {image: IMAGE, policy: 'never', container: {...container, command: ['sleep', '600']}};
      const words = [RUN, JSON.stringify({root, runtimeDirectory}), JSON.stringify(request)];
      const child = spawn(process.execPath, words, {stdio: 'inherit'});
      const ended = once(child, 'exit');
      await until(async () => isReached(), {pauseMs: 2});
      child.kill('SIGKILL');
      await ended;
      await until(async () => (await store().toolkit.containers.list()).length === 0);
      await requireAsBefore(machine, runtimeDirectory);
    });
  }

  test('a connection that is killed as it is made or undone can be made and undone again', async () => {
    const {networks, containers} = store().toolkit;
    const machine = readMachine(store().runtimeDirectory);
    await networks.create({name: 'second'});
    const id = await store().start('sleep 600', {container});
    const call = (name: string, words: readonly unknown[], afterMs: number) =>
      killAfter(CALL, `networks.${name}`, afterMs, [JSON.stringify(words)]);
    const readMember = async () =>
      (await networks.inspect('second')).containers.find((member) => member.id === id)?.addresses.length ?? 0;
    const took = await call('connect', [id, {name: 'second'}], 120_000);
    await call('disconnect', [id, 'second'], 120_000);
    assert.is(await readMember(), 0);
    for (let blow = 2; blow < BLOWS; blow += 1) {
      const afterMs = (took * blow) / BLOWS;
      await call('connect', [id, {name: 'second'}], afterMs);
      if ((await readMember()) === 0) await networks.connect(id, {name: 'second'});
      assert.is(await readMember(), 1);
      await call('disconnect', [id, 'second'], afterMs);
      if ((await readMember()) > 0) await networks.disconnect(id, 'second');
      assert.is(await readMember(), 0);
    }
    await call('connect', [id, {name: 'second'}], took * 0.8);
    await containers.remove(id, {force: true});
    await networks.remove('second');
    await requireAsBefore(machine, store().runtimeDirectory);
    await store().requireNoTraces();
  });

  test('a container whose conmon is killed leaves its networks with the next command', async () => {
    const machine = readMachine(store().runtimeDirectory);
    const id = await store().start('sleep 600', {container});
    const {process: first, supervisor} = store().readStart(id);
    process.kill(supervisor.pid, 'SIGKILL');
    process.kill(first.pid, 'SIGKILL');
    await eventually(() => [first, supervisor].every(({pid}) => identifyProcess(pid) === null));
    assert.is((await store().find(id)).state, 'exited');
    await requireAsBefore(machine, store().runtimeDirectory);
    await store().requireNoTraces();
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
