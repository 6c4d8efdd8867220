import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {globSync, mkdirSync, readlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {identifyProcess} from '../../src/host/process-identity.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {attachLifeline, type LifelineRequest} from '../../src/runtime/lifeline.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {type FakeRuntime, makeFakeRuntime} from './fake-runtime.ts';

const OWNER = fileURLToPath(new URL('lifeline-owner.ts', import.meta.url));
/** Longer than a watcher needs to notice. */
const QUIET_MS = 200;

describe('runtime/lifeline', ({test}) => {
  const requestFor = ({path, stateDirectory}: FakeRuntime, runtimePid: number | null = null): LifelineRequest => ({
    ...{runtime: path, stateDirectory, runtimePid, heldDirectory: null},
    id: 'id-of-a-container',
    cgroupPath: '/winch-id-of-a-container',
    networkPidFile: join(stateDirectory, 'network.pid'),
  });
  const startOwner = (fake: FakeRuntime, end: string, runtimePid: number | null = null) =>
    spawn(process.execPath, [OWNER, JSON.stringify(requestFor(fake, runtimePid)), end], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const waitForCalls = async (fake: FakeRuntime, count: number) => {
    while (fake.calls().length < count) await sleep(10);
    return fake.calls();
  };

  test('deletes the container of a killed process, and again when its creation has ended', async () => {
    using fake = makeFakeRuntime();
    const owner = startOwner(fake, 'wait');
    await once(owner.stdout, 'data');
    await sleep(QUIET_MS);
    assert.equal(fake.calls(), [], 'not while it lives');
    owner.kill('SIGKILL');
    const [first, second] = await waitForCalls(fake, 2);
    assert.equal(first?.args, ['--root', fake.stateDirectory, 'delete', '--force', 'id-of-a-container']);
    assert.is(first?.workingDirectory, '/');
    assert.equal(second, first);
  });

  test('ends the runtime that was starting the container, and no other process that has its pid', async () => {
    using fake = makeFakeRuntime();
    const [runtime, bystander] = ['id-of-a-container', 'another'].map((word) =>
      spawn('sh', ['-c', 'sleep 300; :', 'sh', word], {detached: true, stdio: 'ignore'}),
    );
    const ended = once(runtime ?? fail(), 'exit');
    for (const {pid = null} of [runtime ?? fail(), bystander ?? fail()]) {
      const owner = startOwner(fake, 'wait', pid);
      await once(owner.stdout, 'data');
      owner.kill('SIGKILL');
    }
    assert.equal(await ended, [null, 'SIGKILL']);
    await waitForCalls(fake, 4);
    assert.is(bystander?.signalCode, null);
    process.kill(-(bystander?.pid ?? fail()), 'SIGKILL');
  });

  test('ends the first process of the container, and what connects it to a network', async () => {
    using fake = makeFakeRuntime();
    const runtime = spawn('sh', ['-c', 'setsid sleep 300 & echo $!; wait', 'sh', 'id-of-a-container'], {
      detached: true,
    });
    const [first] = (await once(runtime.stdout, 'data')).map(Number);
    const [helper, bystander] = ['id-of-a-container', 'another'].map((word) =>
      spawn('sh', ['-c', 'sleep 300; :', 'sh', word], {detached: true, stdio: 'ignore'}),
    );
    const ended = once(helper ?? fail(), 'exit');
    for (const {pid} of [bystander ?? fail(), helper ?? fail()]) {
      mkdirSync(fake.stateDirectory, {recursive: true});
      writeFileSync(join(fake.stateDirectory, 'network.pid'), `${pid}\n`);
      const owner = startOwner(fake, 'wait', runtime.pid);
      await once(owner.stdout, 'data');
      owner.kill('SIGKILL');
      await waitForCalls(fake, pid === helper?.pid ? 3 : 1);
    }
    assert.equal(await ended, [null, 'SIGKILL']);
    while (identifyProcess(first ?? fail()) !== null) await sleep(10);
    assert.is(bystander?.signalCode, null);
    for (const {pid} of [helper ?? fail(), bystander ?? fail()]) endGroup(pid ?? fail());
  });

  test('deletes the container of a process that ended without having released it', async () => {
    using fake = makeFakeRuntime();
    const [code] = await once(startOwner(fake, 'end'), 'exit');
    assert.is(code, 0, 'the watcher does not keep it alive');
    await waitForCalls(fake, 1);
  });

  test('does nothing once it is released, however its process ends', async () => {
    const fakes = ['release', 'release and exit', 'release and kill'].map((end) => ({end, fake: makeFakeRuntime()}));
    await Promise.all(fakes.map(({end, fake}) => once(startOwner(fake, end), 'exit')));
    await sleep(QUIET_MS);
    for (const {end, fake} of fakes) {
      assert.equal(fake.calls(), [], end);
      fake[Symbol.dispose]();
    }
  });

  test('has a directory open until it is released, and no longer', async () => {
    using fake = makeFakeRuntime();
    using directory = makeTemporaryDirectory();
    const heldDirectory = directory.path;
    const isHeld = () => globSync('/proc/[0-9]*/fd/*').some((link) => readTarget(link) === heldDirectory);
    const lifeline = attachLifeline(loadSyscalls(), {...requestFor(fake), heldDirectory});
    await waitFor(isHeld);
    lifeline.release();
    await waitFor(() => !isHeld());
    assert.equal(fake.calls(), []);
  });

  test('may be released twice', async () => {
    using fake = makeFakeRuntime();
    const lifeline = attachLifeline(loadSyscalls(), requestFor(fake));
    lifeline.release();
    lifeline.release();
    await sleep(QUIET_MS);
    assert.equal(fake.calls(), []);
  });
});

function readTarget(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}

const fail = (): never => {
  throw new Error('a process was not started');
};
