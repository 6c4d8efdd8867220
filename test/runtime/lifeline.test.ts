import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {attachLifeline} from '../../src/runtime/lifeline.ts';
import {describe} from '../helpers/suite.ts';
import {type FakeRuntime, makeFakeRuntime} from './fake-runtime.ts';

const OWNER = fileURLToPath(new URL('lifeline-owner.ts', import.meta.url));
/** Longer than a watcher needs to notice. */
const QUIET_MS = 200;

describe('runtime/lifeline', ({test}) => {
  const startOwner = ({path, stateDirectory}: FakeRuntime, end: string) =>
    spawn(process.execPath, [OWNER, path, stateDirectory, end], {stdio: ['ignore', 'pipe', 'inherit']});
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
    assert.equal(first?.args, ['--root', fake.stateDirectory, 'delete', '--force', 'id']);
    assert.is(first?.workingDirectory, '/');
    assert.equal(second, first);
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

  test('may be released twice', async () => {
    using fake = makeFakeRuntime();
    const lifeline = attachLifeline({runtime: fake.path, stateDirectory: fake.stateDirectory, id: 'id'});
    lifeline.release();
    lifeline.release();
    await sleep(QUIET_MS);
    assert.equal(fake.calls(), []);
  });
});
