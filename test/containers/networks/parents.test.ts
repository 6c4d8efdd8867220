import * as assert from 'uvu/assert';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {type KeptStore, openKeptStore} from '../kept/kept-store.ts';
import {readMachine, requireAsBefore, run, serve, networkSkip as skip, until} from './network-lab.ts';

const DEVICE = `wp${process.pid}`;
const GET = 'busybox timeout 10 busybox wget -q -O -';

/** Networks by a device of the machine, here one end of a cable. */
describe('containers/networks/parents', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) =>
    declare(title, body, {skip: skip ?? missingDriver(), timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const toolkit = () => store().toolkit;
  const parent = {driver: 'macvlan', device: DEVICE, mode: 'bridge'} as const;

  before(async () => {
    if ((skip ?? missingDriver()) !== undefined) return;
    for (const words of [
      `link add ${DEVICE} type veth peer name ${DEVICE}b`,
      `address add 198.19.0.1/24 dev ${DEVICE}`,
      `link set ${DEVICE}b up`,
      `link set ${DEVICE} up`,
    ])
      run('ip', words.split(' '));
    opened = await openKeptStore();
  });
  after(async () => {
    await opened?.[Symbol.asyncDispose]();
    if (opened) run('ip', ['link', 'delete', DEVICE]);
  });

  test('containers are in the network of the device, find each other by name, and leave nothing', async () => {
    const machine = readMachine(store().runtimeDirectory);
    const subnets = [{subnet: '198.19.0.0/24', gateway: '198.19.0.1', range: '198.19.0.64/27'}];
    await toolkit().networks.create({name: 'lan', parent, subnets});
    const network = {networks: [{name: 'lan'}]};
    const web = await store().start(serve('hello', 8080), {name: 'web', container: {network}});
    const client = await store().start(`until ${GET} http://web:8080; do sleep 0.1; done; exit 0`, {
      container: {network},
    });
    assert.is(await toolkit().containers.wait(client), 0);
    assert.match((await store().readLogs(client)).stdout, /^hello$/m);
    await toolkit().containers.remove(client);
    const {driver, bridge, containers} = await toolkit().networks.inspect('lan');
    assert.equal([driver, bridge, containers.map(({addresses}) => addresses)], ['macvlan', null, [['198.19.0.64']]]);
    const routes = await store().start('busybox ip route', {container: {network}});
    await toolkit().containers.wait(routes);
    assert.match((await store().readLogs(routes)).stdout, /^default via 198\.19\.0\.1 dev eth0/);
    for (const id of [web, routes]) await toolkit().containers.remove(id, {force: true});
    await toolkit().networks.remove('lan');
    await store().requireNoTraces();
    await requireAsBefore(machine, store().runtimeDirectory);
  });

  test('beside a bridge, which publishes its ports and leads to the world', async () => {
    await toolkit().networks.create({name: 'lan', parent, subnets: [{subnet: '198.19.0.0/24'}]});
    const publish = [{hostAddress: null, hostPorts: null, containerPort: 8080, protocol: 'tcp'} as const];
    const both = {networks: [{name: 'bridge'}, {name: 'lan'}]};
    const id = await store().start(serve('both', 8080), {container: {network: both, publish}});
    const [port] = await toolkit().containers.ports(id);
    const get = () =>
      run('busybox', ['timeout', '10', 'busybox', 'wget', '-q', '-O', '-', `http://127.0.0.1:${port?.hostPort}`]);
    await until(async () => succeeds(get));
    assert.is(get(), 'both\n');
    await toolkit().containers.remove(id, {force: true});
    await toolkit().networks.remove('lan');
  });

  test('refuses what cannot be', async () => {
    const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
    const {networks} = toolkit();
    assert.is(await codeOf(networks.create({name: 'odd', parent: {...parent, mode: 'l2'}})), 'NETWORK_INVALID');
    assert.is(
      await codeOf(networks.create({name: 'odd', parent: {...parent, device: 'nothing0'}})),
      'NETWORK_PARENT_MISSING',
    );
    await networks.create({name: 'lan', parent});
    const publish = [{hostAddress: null, hostPorts: null, containerPort: 80, protocol: 'tcp'} as const];
    const id = await store().create('true', {container: {network: {networks: [{name: 'lan'}]}, publish}});
    assert.is(await codeOf(toolkit().containers.start(id)), 'PORT_UNREACHABLE');
    await toolkit().containers.remove(id);
    await networks.remove('lan');
    await store().requireNoTraces();
  });
});

/** A kernel may lack it. */
function missingDriver(): string | undefined {
  try {
    run('ip', ['link', 'add', `${DEVICE}m`, 'link', 'lo', 'type', 'macvlan']);
    run('ip', ['link', 'delete', `${DEVICE}m`]);
    return undefined;
  } catch (error) {
    return /Unknown device type/.test(String(error)) ? 'this kernel has no macvlan' : undefined;
  }
}

function succeeds(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

const fail = (): never => {
  throw new Error('the store was not opened');
};
