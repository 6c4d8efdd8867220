import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {usualCgroupPath} from '../../src/containers/cgroup-place.ts';
import {endStrays} from '../../src/containers/end-strays.ts';
import {hasCgroup, listCgroupProcesses, readCgroups, removeCgroup} from '../../src/host/cgroups.ts';
import {findRuntime} from '../../src/runtime/find-runtime.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';

const OWNER = fileURLToPath(new URL('../runtime/lifeline-owner.ts', import.meta.url));
const skip = missingFor('runc', 'busybox');

/** What is left when a run is killed before its container has started. */
describe('containers/killed-start', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  let opened: TestStore | undefined;
  const store = (): TestStore => opened ?? fail();
  const at = (...names: readonly string[]) => join(store().root, '..', ...names);

  before(async () => {
    if (skip !== undefined) return;
    await using registry = await startRegistry();
    registry.put('busybox', 'latest', busyboxImage());
    opened = await openTestStore();
    const {images} = opened.toolkit;
    await images.pull(`${registry.host}/busybox`, {platform: 'linux/amd64'});
    await images.bundle(`${registry.host}/busybox`, at('bundle'), {container: {command: ['sleep', '300']}});
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const readConfig = () => JSON.parse(readFileSync(at('bundle', 'config.json'), 'utf8'));
  const changeConfig = (change: object) =>
    writeFileSync(at('bundle', 'config.json'), JSON.stringify({...readConfig(), ...change}));
  /** A container whose first process waits to be started, and whose state is gone. */
  const createLost = async () => {
    const id = randomBytes(32).toString('hex');
    const {linux} = readConfig();
    changeConfig({linux: {...linux, cgroupsPath: usualCgroupPath({id})}});
    const words = ['--root', at('lost'), 'create', '--bundle', at('bundle'), id];
    const [code] = await once(spawn(findRuntime(), words, {stdio: ['ignore', 'ignore', 'inherit']}), 'exit');
    assert.is(code, 0);
    rmSync(at('lost', id), {recursive: true});
    return id;
  };
  const membersOf = (id: string) => listCgroupProcesses(readCgroups(), usualCgroupPath({id}));

  test('a first process of which the runtime has no state is ended with its cgroup', async () => {
    const id = await createLost();
    assert.is(membersOf(id).length, 1);
    await endStrays({id, cgroupPath: usualCgroupPath({id}), mayBeStarting: true});
    assert.equal(membersOf(id), []);
    removeCgroup(readCgroups(), usualCgroupPath({id}));
  });

  test('the watcher of a killed run ends it as well', async () => {
    const id = await createLost();
    const request = {id, runtime: findRuntime(), stateDirectory: at('lost'), cgroupPath: usualCgroupPath({id})};
    const owner = spawn(process.execPath, [
      OWNER,
      JSON.stringify({...request, runtimePid: null, heldDirectory: null, networkPidFile: at('none')}),
      'wait',
    ]);
    await once(owner.stdout, 'data');
    owner.kill('SIGKILL');
    await waitFor(() => membersOf(id).length === 0);
    removeCgroup(readCgroups(), usualCgroupPath({id}));
  });

  test('U13 a runtime that is still creating the container ends with its winch, and so do its hooks', async () => {
    const marker = at('hook');
    const script = `echo $$ > '${marker}.new' && mv '${marker}.new' '${marker}'; exec sleep 300`;
    changeConfig({hooks: {createRuntime: [{path: '/bin/sh', args: ['sh', '-c', script]}]}});
    const killed = await store().toolkit.containers.spawn({bundle: at('bundle')});
    await waitFor(() => existsSync(marker));
    const hook = readFileSync(marker, 'utf8').trim();
    const [id = ''] = readdirSync(at('run', 'containers')).filter((name) => name !== '.locks');
    assert.is.not(processesWith(id).length, 0);
    killed.kill('SIGKILL');
    await killed.finished.catch(() => {});
    await waitFor(() => processesWith(id).length === 0 && !readdirSync('/proc').includes(hook));
    await waitFor(() => {
      removeCgroup(readCgroups(), usualCgroupPath({id}));
      return !hasCgroup(readCgroups(), usualCgroupPath({id}));
    });
  });
});

const processesWith = (id: string): readonly string[] =>
  readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLineOf(pid).includes(id));

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
