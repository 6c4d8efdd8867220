import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import type {RunRequest} from '../../../src/containers/run.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from '../kept/kept-store.ts';
import {readMachine, requireAsBefore, networkSkip as skip} from './network-lab.ts';

const RUN = fileURLToPath(new URL('run-program.ts', import.meta.url));
const ENDING = 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done';

/** What runs in the foreground, as other members of its networks see it. */
describe('containers/networks/foreground', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const network = {networks: [{name: 'shop', aliases: ['www']}]};

  before(async () => {
    if (skip !== undefined) return;
    opened = await openKeptStore();
    await opened.toolkit.networks.create({name: 'shop'});
  });
  after(() => opened?.[Symbol.asyncDispose]());

  /** A run whose winch can be killed, until somebody does. */
  const openFront = (more: Partial<RunRequest>) => {
    const {root, runtimeDirectory} = store();
    const request = {image: IMAGE, policy: 'never', container: {command: ['sh', '-c', ENDING], network}, ...more};
    const words = [RUN, JSON.stringify({root, runtimeDirectory}), JSON.stringify(request)];
    const child = spawn(process.execPath, words, {stdio: ['inherit', 'pipe', 'inherit']});
    const ended = once(child, 'exit');
    const send = async (signal: NodeJS.Signals) => {
      child.kill(signal);
      await ended;
    };
    return {
      isUp: once(child.stdout, 'data'),
      end: () => send('SIGTERM'),
      kill: () => send('SIGKILL'),
      [Symbol.asyncDispose]: () => send('SIGKILL'),
    };
  };
  const findFront = async () => (await containers().list()).find(({isKept}) => !isKept);
  /** A member that runs all the while. */
  const startMember = () => store().start('sleep 600', {container: {network: {networks: [{name: 'shop'}]}}});
  const readHosts = (id: string) => readFileSync(join(store().runtimeDirectory, 'kept', id, 'hosts'), 'utf8');

  for (const end of ['end', 'kill'] as const) {
    test(`members know its name and aliases until its ${end}`, async () => {
      const machine = readMachine(store().runtimeDirectory);
      const member = await startMember();
      await using front = openFront({name: 'web'});
      const line = /\tweb www [0-9a-f]{12}\n/;
      await eventually(() => line.test(readHosts(member)));
      await front.isUp;
      const late = await store().start('busybox ping -c 1 -W 5 web && busybox ping -c 1 -W 5 www', {
        container: {network: {networks: [{name: 'shop'}]}},
      });
      assert.is(await containers().wait(late), 0);
      await front[end]();
      await eventually(async () => (await findFront()) === undefined);
      assert.not.match(readHosts(member), line);
      for (const id of [member, late]) await containers().remove(id, {force: true});
      await requireAsBefore(machine, store().runtimeDirectory);
    });
  }

  test('members know the name that it is listed with when nobody gave it one', async () => {
    const member = await startMember();
    await using front = openFront({});
    await front.isUp;
    const {name = null, id = ''} = (await findFront()) ?? {};
    assert.match(readHosts(member), `\t${name} www ${id.slice(0, 12)}\n`);
    const listed = (await store().toolkit.networks.inspect('shop')).containers;
    assert.equal(
      listed.flatMap((entry) => (entry.id === id ? entry.name : [])),
      [name],
    );
    await front.end();
    await containers().remove(member, {force: true});
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
