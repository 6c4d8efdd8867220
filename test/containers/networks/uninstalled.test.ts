import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {identifyProcess} from '../../../src/host/process-identity.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from '../kept/kept-store.ts';
import {readMachine, requireAsBefore, networkSkip as skip} from './network-lab.ts';

const REPORT = fileURLToPath(new URL('report-program.ts', import.meta.url));
/** What hides a package's programs from a process and its children. */
const HIDE = Object.freeze({
  plugins: 'mount -t tmpfs none /usr/lib/cni',
  iptables: [
    'for path in $(readlink -f "$(command -v iptables-save)" "$(command -v ip6tables-save)")',
    'do mount --bind /dev/null "$path"',
    'done',
  ].join('; '),
});

/** Containers whose networks were set up with programs that are not there any more. */
describe('containers/networks/uninstalled', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
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

  const callWithout = async (
    hidden: keyof typeof HIDE,
    call: string,
    words: readonly unknown[] = [],
    more: object = {},
  ): Promise<{readonly code: string | null; readonly hint: string | null; readonly warnings: readonly string[]}> => {
    const {root, runtimeDirectory} = store();
    const line = [process.execPath, REPORT, JSON.stringify({root, runtimeDirectory}), call];
    const script = `${HIDE[hidden]} && exec "$@"`;
    const within = ['--mount', 'sh', '-c', script, 'sh', ...line, JSON.stringify(words), JSON.stringify(more)];
    return JSON.parse(await requireProgram('unshare', within));
  };
  const create = (name: string) => store().create('sleep 600', {name, container});
  /** Ends a container so that nobody clears what it leaves. */
  const endUnseen = async (id: string) => {
    const {process: first, supervisor} = store().readStart(id);
    process.kill(supervisor.pid, 'SIGKILL');
    process.kill(first.pid, 'SIGKILL');
    await eventually(() => identifyProcess(first.pid) === null);
  };
  const leftFile = () => join(store().runtimeDirectory, 'networks', 'left.json');

  test('without the plugins containers are stopped, listed and removed, and leave nothing', async () => {
    const machine = readMachine(store().runtimeDirectory);
    const clean = {code: null, hint: null, warnings: []};
    const [dead, living] = [await create('dead'), await create('living')];
    for (const id of [dead, living]) await store().toolkit.containers.start(id);
    await endUnseen(dead);
    assert.equal(await callWithout('plugins', 'list'), clean);
    assert.equal(await callWithout('plugins', 'stop', [living], {timeoutSeconds: 0}), clean);
    const refused = await callWithout('plugins', 'start', [dead]);
    assert.is(refused.code, 'NETWORK_PLUGIN_NOT_FOUND');
    assert.match(refused.hint ?? '', /install the plugins/);
    for (const id of [dead, living]) assert.equal(await callWithout('plugins', 'remove', [id]), clean);
    await requireAsBefore(machine, store().runtimeDirectory);
    await store().requireNoTraces();
  });

  test('without iptables containers go, and their rules with the first command that can remove them', async () => {
    const machine = readMachine(store().runtimeDirectory);
    const [id, next] = [await create('ruled'), await create('next')];
    await store().toolkit.containers.start(id);
    await endUnseen(id);
    const {code, warnings} = await callWithout('iptables', 'remove', [id]);
    assert.is(code, null);
    assert.is(warnings.length, 1);
    assert.match(warnings[0] ?? '', /iptables-save, which networks need, is not installed \(install it/);
    assert.equal((await callWithout('iptables', 'list')).warnings, warnings, 'every command says it');
    const refused = await callWithout('iptables', 'start', [next]);
    assert.equal([refused.code, refused.warnings], ['FIREWALL_NOT_FOUND', []]);
    assert.ok(existsSync(leftFile()));
    await store().toolkit.containers.list();
    assert.not.ok(existsSync(leftFile()));
    await store().requireNoTraces();
    await requireAsBefore(machine, store().runtimeDirectory);
  });

  test('what a killed process was writing is removed by the next command of networks', async () => {
    const {root, runtimeDirectory, toolkit} = store();
    const places = [join(runtimeDirectory, 'networks'), join(root, 'networks')];
    const staged = places.map((directory) => join(directory, 'name.json.0123456789ab.tmp'));
    for (const directory of places) mkdirSync(directory, {recursive: true});
    for (const path of staged) writeFileSync(path, '{');
    await toolkit.networks.prune();
    assert.equal(staged.filter(existsSync), []);
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
