import {spawn} from 'node:child_process';
import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {NetworkJoin, PublishRequest} from '../../../src/network/network-mode.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from '../kept/kept-store.ts';
import {
  fetchText,
  openNeighbour,
  readMachine,
  requireAsBefore,
  serve,
  networkSkip as skip,
  until,
} from './network-lab.ts';

const GET = 'busybox timeout 10 busybox wget -q -O -';
const tcp = (containerPort: number, more: Partial<PublishRequest> = {}): PublishRequest => ({
  ...{hostAddress: null, hostPorts: null, containerPort, protocol: 'tcp'},
  ...more,
});

const MANY = 6;
/** Where nobody is likely to listen. */
const FREE_PORT = 39_871;

describe('containers/networks', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const toolkit = () => store().toolkit;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const joined = (...networks: readonly (string | NetworkJoin)[]) => ({
    networks: networks.map((network) => (typeof network === 'string' ? {name: network} : network)),
  });
  /** The exit code and output of a container that runs to its end. */
  const runOnce = async (script: string, network: ReturnType<typeof joined>) => {
    // The first process of a container does not heed the signal of `timeout`.
    const id = await store().start(`${script}; exit $?`, {container: {network}});
    const exitCode = await toolkit().containers.wait(id);
    const {stdout, stderr} = await store().readLogs(id);
    await toolkit().containers.remove(id);
    return {exitCode, stdout, stderr};
  };
  const readHosts = (id: string) => readFileSync(join(store().runtimeDirectory, 'kept', id, 'hosts'), 'utf8');
  const portOf = async (network: string, id: string) => {
    const {containers} = await toolkit().networks.inspect(network);
    return containers.find((member) => member.id === id);
  };
  /** Runs a body between two looks at the machine, which must be the same. */
  const leavingNothing = async (body: () => Promise<void>) => {
    const machine = readMachine(store().runtimeDirectory);
    await body();
    await store().requireNoTraces();
    await requireAsBefore(machine, store().runtimeDirectory);
  };

  test('two containers of one network find each other by name and talk, and leave nothing', () =>
    leavingNothing(async () => {
      await toolkit().networks.create({name: 'shop'});
      const web = await store().start(serve('hello', 8080), {
        name: 'web',
        container: {hostname: 'front', network: joined({name: 'shop', aliases: ['www']})},
      });
      const names = ['web', 'www', 'front', web.slice(0, 12)];
      const script = `for name in ${names.join(' ')}; do until ${GET} http://$name:8080; do sleep 0.1; done; done`;
      const client = await store().start(`${script}; sleep 600`, {
        name: 'client',
        container: {network: joined('shop')},
      });
      await until(async () => (await store().readLogs(client)).stdout === 'hello\n'.repeat(names.length));
      await toolkit().containers.remove(client, {force: true});
      assert.equal((await rejectionOf(toolkit().networks.remove('shop'))).code, 'NETWORK_IN_USE');
      await toolkit().containers.remove(web, {force: true});
      assert.is(await toolkit().networks.remove('shop'), 'shop');
    }));

  test('who runs already learns the names of those who come and go', () =>
    leavingNothing(async () => {
      const network = joined('bridge');
      const script =
        'echo mine 1.2.3.4 >> /etc/hosts; until grep late /etc/hosts; do sleep 0.1; done; while grep -q late /etc/hosts; do sleep 0.1; done; grep mine /etc/hosts';
      const first = await store().start(script, {container: {network}});
      const late = await store().start('sleep 600', {name: 'late', container: {network}});
      const member = await portOf('bridge', late);
      await until(async () => (await store().readLogs(first)).stdout !== '');
      await toolkit().containers.rename('late', 'later');
      assert.match(readHosts(first), `${member?.addresses[0]}\tlater ${late.slice(0, 12)}\n`);
      await toolkit().containers.remove(late, {force: true});
      assert.is(await toolkit().containers.wait(first), 0);
      const {stdout} = await store().readLogs(first);
      assert.match(stdout, `${member?.addresses[0]}\tlate `);
      assert.match(stdout, 'mine 1.2.3.4');
    }));

  test('ports that the image exposes are listed with a container as long as it is connected', () =>
    leavingNothing(async () => {
      const made = await store().create('true');
      await toolkit().containers.commit(made, {reference: 'exposing', changes: ['EXPOSE 80 53/udp']});
      const container = {command: ['sleep', '600'], network: joined('bridge')};
      const request = {image: 'exposing', policy: 'never'} as const;
      const id = await toolkit().containers.create({...request, container});
      await toolkit().containers.start(id);
      const lonely = await toolkit().containers.create({...request, container: {command: ['sleep', '600']}});
      await toolkit().containers.start(lonely);
      assert.equal((await store().find(id)).exposed, ['80/tcp', '53/udp']);
      assert.equal((await store().find(lonely)).exposed ?? [], []);
      await toolkit().containers.stop(id, {timeoutSeconds: 0});
      assert.equal((await store().find(id)).exposed ?? [], []);
    }));

  test('a published port answers from this machine and from another network', () =>
    leavingNothing(async () => {
      await using neighbour = await openNeighbour();
      const publish = [tcp(8080), tcp(8080, {hostAddress: '127.0.0.1'})];
      const id = await store().start(serve('published', 8080), {
        container: {network: joined('bridge'), publish},
      });
      const [everywhere, local] = await toolkit().containers.ports(id);
      assert.is.not(everywhere?.hostPort, local?.hostPort);
      const at = (address: string, port = 0) => `http://${address}:${port}/`;
      await eventually(() => succeeds(() => fetchText(at('127.0.0.1', everywhere?.hostPort))));
      assert.is(fetchText(at('127.0.0.1', everywhere?.hostPort)), 'published\n');
      assert.is(fetchText(at(neighbour.gateway, everywhere?.hostPort)), 'published\n');
      assert.is(fetchText(at('127.0.0.1', local?.hostPort)), 'published\n');
      const fetchThere = (url: string) =>
        neighbour.run(['busybox', 'timeout', '3', 'busybox', 'wget', '-q', '-O', '-', url]);
      assert.is(fetchThere(at(neighbour.gateway, everywhere?.hostPort)), 'published\n');
      assert.not.ok(
        succeeds(() => fetchThere(at(neighbour.gateway, local?.hostPort))),
        'a loopback port is local',
      );
      const [address = ''] = (await portOf('bridge', id))?.addresses ?? [];
      assert.not.ok(
        succeeds(() => fetchThere(at(address, 8080))),
        'what is not published is not reached',
      );
      const {stdout} = await runOnce(`${GET} ${at(neighbour.gateway, everywhere?.hostPort)}`, joined('bridge'));
      assert.is(stdout, 'published\n', 'from a container of the same network');
    }));

  test('networks do not reach into one another, and an internal one not out', () =>
    leavingNothing(async () => {
      await using neighbour = await openNeighbour();
      await toolkit().networks.create({name: 'inner', isInternal: true});
      await toolkit().networks.create({name: 'outer'});
      const web = await store().start(serve('secret', 8080), {name: 'hidden', container: {network: joined('outer')}});
      const [address = ''] = (await portOf('outer', web))?.addresses ?? [];
      const reach = `busybox timeout 2 busybox wget -q -O - http://${address}:8080`;
      assert.is((await runOnce(`until ${reach}; do sleep 0.1; done`, joined('outer'))).stdout, 'secret\n');
      assert.not.equal((await runOnce(reach, joined('bridge'))).exitCode, 0);
      assert.not.equal((await runOnce(reach, joined('inner'))).exitCode, 0);
      assert.is((await runOnce(reach, joined('inner', 'outer'))).stdout, 'secret\n', 'a member of both reaches both');
      const ping = `busybox ping -c 1 -W 5 ${neighbour.gateway.replace(/1$/, '2')}`;
      assert.is((await runOnce(ping, joined('outer'))).exitCode, 0, 'the way out is open');
      assert.not.equal((await runOnce(ping, joined('inner'))).exitCode, 0);
      await toolkit().containers.remove(web, {force: true});
      assert.equal(await toolkit().networks.prune(), ['inner', 'outer']);
    }));

  test('addresses are given as asked, and none twice', () =>
    leavingNothing(async () => {
      const subnets = [{subnet: '198.19.7.0/24', gateway: '198.19.7.254', range: '198.19.7.64/30'}];
      await toolkit().networks.create({name: 'fixed', subnets});
      const join = {name: 'fixed', addresses: ['198.19.7.65'], macAddress: '02:00:00:00:07:01'};
      const id = await store().start('sleep 600', {container: {network: joined(join)}});
      const member = await portOf('fixed', id);
      assert.equal([member?.addresses, member?.macAddress], [['198.19.7.65'], '02:00:00:00:07:01']);
      const second = await store().create('sleep 600', {container: {network: joined(join)}});
      assert.is((await rejectionOf(toolkit().containers.start(second))).code, 'NETWORK_FAILED');
      assert.is((await store().find(second)).state, 'created');
      const {stdout} = await runOnce('ip -o address show eth0; ip route', joined('fixed'));
      assert.match(stdout, /198\.19\.7\.6[4-7]\/24/);
      assert.match(stdout, 'default via 198.19.7.254');
      for (const container of [id, second]) await toolkit().containers.remove(container, {force: true});
      await toolkit().networks.remove('fixed');
    }));

  test('many at once get addresses and ports of their own', () =>
    leavingNothing(async () => {
      const start = () => store().start('sleep 600', {container: {network: joined('bridge'), publish: [tcp(80)]}});
      const ids = await Promise.all(Array.from({length: MANY}, start));
      const listed = (await toolkit().containers.list()).filter(({id}) => ids.includes(id));
      const addresses = new Set(listed.flatMap(({networks}) => networks.flatMap((network) => network.addresses)));
      const ports = new Set(listed.flatMap(({ports: all}) => all.map(({hostPort}) => hostPort)));
      assert.equal([listed.length, addresses.size, ports.size], [MANY, MANY, MANY]);
      await Promise.all(ids.map((id) => toolkit().containers.remove(id, {force: true})));
    }));

  test('a published port of UDP answers, and the machine has a name where that is asked', () =>
    leavingNothing(async () => {
      const publish = [tcp(53, {protocol: 'udp'})];
      const extraHosts = [{name: 'machine', address: 'host-gateway'}];
      const container = {network: joined('bridge'), publish, extraHosts};
      const id = await store().start('grep machine /etc/hosts; sleep 600', {container});
      const [port] = await toolkit().containers.ports(id);
      using _server = serveEcho((await store().find(id)).pid ?? 0, 53);
      assert.is(await echo(port?.hostPort ?? 0), 'echoed');
      const gateway = (await toolkit().networks.inspect('bridge')).subnets[0]?.gateway;
      assert.is((await store().readLogs(id)).stdout, `${gateway}\tmachine\n`);
    }));

  test('a port that somebody has is refused before anything is done', () =>
    leavingNothing(async () => {
      const network = joined('bridge');
      const id = await store().start('sleep 600', {container: {network, publish: [tcp(80)]}});
      const [port] = await toolkit().containers.ports(id);
      const hostPort = port?.hostPort ?? 0;
      const publish = [tcp(80, {hostPorts: {first: hostPort, last: hostPort}})];
      const second = await store().create('true', {container: {network, publish}});
      assert.is((await rejectionOf(toolkit().containers.start(second))).code, 'PORT_TAKEN');
      await using other = await openKeptStore();
      const third = await other.create('true', {container: {network, publish}});
      const error = await rejectionOf(other.toolkit.containers.start(third));
      assert.is(error.code, 'PORT_TAKEN', 'of a container of another store');
      const more = {first: hostPort, last: hostPort + 20};
      const next = await other.start('sleep 600', {container: {network, publish: [tcp(80, {hostPorts: more})]}});
      const [another] = await other.toolkit.containers.ports(next);
      assert.ok(another && another.hostPort > hostPort && another.hostPort <= more.last);
      await toolkit().containers.remove(id, {force: true});
      const server = createServer().listen(hostPort, '0.0.0.0');
      await once(server, 'listening');
      assert.is((await rejectionOf(toolkit().containers.start(second))).code, 'PORT_TAKEN', 'of a program');
      server.close();
    }));

  test('a port is free again as soon as its container has ended', () =>
    leavingNothing(async () => {
      const network = joined('bridge');
      const first = await store().start('true', {container: {network, publish: [tcp(80)]}});
      const hostPort = (await toolkit().containers.ports(first))[0]?.hostPort ?? FREE_PORT;
      const publish = [tcp(80, {hostPorts: {first: hostPort, last: hostPort}})];
      for (let round = 0; round < 3; round += 1) {
        await toolkit().containers.wait(await store().start('true', {container: {network, publish}}));
      }
    }));

  test('what ends by itself leaves its networks at once', () =>
    leavingNothing(async () => {
      const id = await store().start('true', {container: {network: joined('bridge')}});
      await eventually(() => readMachine(store().runtimeDirectory).addresses.length === 0);
      assert.is((await store().find(id)).state, 'exited');
      await toolkit().containers.start(id);
    }));

  test('a container shares the network of another one, with its names', () =>
    leavingNothing(async () => {
      const web = await store().start(serve('shared', 8080), {name: 'web', container: {network: joined('bridge')}});
      const network = {container: 'web'};
      const script = `until ${GET} http://127.0.0.1:8080; do sleep 0.1; done; hostname; ${GET} http://web:8080`;
      const id = await store().start(script, {container: {network}});
      assert.is(await toolkit().containers.wait(id), 0);
      assert.is((await store().readLogs(id)).stdout, `shared\n${web.slice(0, 12)}\nshared\n`);
      await toolkit().containers.remove(id);
      const namespace = `/proc/${(await store().find(web)).pid}/ns/net`;
      const other = await store().start(`${GET} http://127.0.0.1:8080`, {container: {network: {namespace}}});
      assert.is(await toolkit().containers.wait(other), 0);
      const lost = await store().create('true', {container: {network: {namespace: '/proc/self/ns/mnt'}}});
      assert.is((await rejectionOf(toolkit().containers.start(lost))).code, 'NETWORK_NAMESPACE_MISSING');
      const alone = await store().create('true', {container: {network: {container: 'nobody'}}});
      assert.is((await rejectionOf(toolkit().containers.start(alone))).code, 'CONTAINER_UNKNOWN');
    }));

  test('a running container joins one more network, and leaves it', () =>
    leavingNothing(async () => {
      await toolkit().networks.create({name: 'shop'});
      const web = await store().start(serve('joined', 8080), {name: 'web', container: {network: joined('bridge')}});
      // No alias of hexadecimal digits: an id, which is a name as well, may have those.
      const script = `until ${GET} http://depot:8080; do sleep 0.1; done; while grep -q depot /etc/hosts; do sleep 0.1; done`;
      const client = await store().start(script, {container: {network: joined('shop')}});
      await toolkit().networks.connect('web', {name: 'shop', aliases: ['depot']});
      const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
      assert.is(await codeOf(toolkit().networks.connect('web', {name: 'shop'})), 'NETWORK_CONNECTED');
      assert.is(await codeOf(toolkit().networks.connect('web', {name: 'other'})), 'NETWORK_UNKNOWN');
      await until(async () => (await store().readLogs(client)).stdout === 'joined\n');
      await toolkit().networks.disconnect('web', 'shop');
      assert.is(await codeOf(toolkit().networks.disconnect('web', 'shop')), 'NETWORK_UNCONNECTED');
      assert.is(await toolkit().containers.wait(client), 0);
      assert.equal(
        (await store().find(web)).networks.map(({name}) => name),
        ['bridge'],
      );
      const plain = await store().start('sleep 600');
      assert.is(await codeOf(toolkit().networks.connect(plain, {name: 'shop'})), 'NETWORK_UNSUPPORTED');
      await store().requireNoTraces();
      await toolkit().networks.remove('shop');
    }));

  test('a container calls another one by a name of its own', () =>
    leavingNothing(async () => {
      const links = [{container: 'web', alias: 'store'}];
      const network = {networks: [{name: 'bridge', links}]};
      const client = await store().start('exec sleep 600', {name: 'client', container: {network}});
      const web = await store().start('exec sleep 600', {name: 'web', container: {network: joined('bridge')}});
      assert.match(readHosts(client), /\tweb store /);
      assert.not.match(readHosts(web), 'store');
      await store().requireNoTraces();
    }));

  test('what a container joins and leaves lasts, whether it runs or not', () =>
    leavingNothing(async () => {
      for (const name of ['one', 'two']) await toolkit().networks.create({name});
      const namesOf = async (id: string) => (await store().find(id)).networks.map(({name}) => name);
      const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
      const web = await store().create('exec sleep 600', {name: 'web', container: {network: joined('one')}});
      await toolkit().networks.connect('web', {name: 'two', aliases: ['db']});
      assert.is(await codeOf(toolkit().networks.connect('web', {name: 'two'})), 'NETWORK_CONNECTED');
      assert.is(await codeOf(toolkit().networks.connect('web', {name: 'three'})), 'NETWORK_UNKNOWN');
      await toolkit().networks.disconnect('web', 'one');
      assert.is(await codeOf(toolkit().networks.disconnect('web', 'one')), 'NETWORK_UNCONNECTED');
      assert.equal(await namesOf(web), ['two']);
      await toolkit().containers.start(web);
      assert.match(readHosts(web), /\bdb\b/);
      await toolkit().networks.connect('web', {name: 'one'});
      await toolkit().containers.restart(web, {timeoutSeconds: 0});
      assert.equal(await namesOf(web), ['two', 'one']);
      assert.is(await codeOf(toolkit().networks.remove('one')), 'NETWORK_IN_USE');
      for (const name of ['one', 'two']) await toolkit().networks.disconnect('web', name);
      await toolkit().containers.restart(web, {timeoutSeconds: 0});
      assert.equal(await namesOf(web), []);
      await store().requireNoTraces();
      for (const name of ['one', 'two']) await toolkit().networks.remove(name);
    }));

  test('a network of both families has addresses of both', () =>
    leavingNothing(async () => {
      await toolkit().networks.create({name: 'dual', ipv6: true});
      await using neighbour = await openNeighbour();
      const web = await store().start(serve('six', 8080), {
        name: 'web',
        container: {network: joined('dual'), publish: [tcp(8080)]},
      });
      const addresses = (await portOf('dual', web))?.addresses ?? [];
      assert.is(addresses.length, 2);
      const {stdout} = await runOnce(
        `until ${GET} 'http://[${addresses[1]}]:8080/'; do sleep 0.1; done`,
        joined('dual'),
      );
      assert.is(stdout, 'six\n');
      const [port] = await toolkit().containers.ports(web);
      const url = `http://[${neighbour.gateway6}]:${port?.hostPort}/`;
      const words = ['busybox', 'timeout', '10', 'busybox', 'wget', '-q', '-O', '-', url];
      await eventually(() => succeeds(() => assert.is(neighbour.run(words), 'six\n')));
      const publish = [tcp(8080, {hostAddress: '::1'})];
      const lost = await store().create('true', {container: {network: joined('dual'), publish}});
      assert.is((await rejectionOf(toolkit().containers.start(lost))).code, 'PORT_UNREACHABLE');
      await toolkit().containers.remove(lost);
      await toolkit().containers.remove(web, {force: true});
      await toolkit().networks.remove('dual');
    }));

  test('refuses networks that cannot be', async () => {
    const {networks} = toolkit();
    const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;
    const create = (subnet: string, more = {}) => networks.create({name: 'odd', subnets: [{subnet, ...more}]});
    assert.is(await codeOf(networks.create({name: 'host'})), 'NETWORK_NAME_INVALID');
    assert.is(await codeOf(networks.create({name: 'a/b'})), 'NETWORK_NAME_INVALID');
    assert.is(await codeOf(create('10.1.2.0')), 'NETWORK_INVALID');
    assert.is(await codeOf(create('10.1.2.0/31')), 'NETWORK_INVALID');
    assert.is(await codeOf(create('10.1.2.0/24', {gateway: '10.1.3.1'})), 'NETWORK_INVALID');
    assert.is(await codeOf(create('10.1.2.0/24', {range: '10.1.3.0/25'})), 'NETWORK_INVALID');
    assert.is(await codeOf(networks.remove('nothing')), 'NETWORK_UNKNOWN');
    assert.is(await codeOf(networks.remove('bridge')), 'NETWORK_PERMANENT');
    await networks.create({name: 'odd'});
    assert.is(await codeOf(networks.create({name: 'odd'})), 'NETWORK_EXISTS');
    const [{subnet} = {subnet: ''}] = (await networks.inspect('odd')).subnets;
    assert.is(await codeOf(networks.create({name: 'even', subnets: [{subnet}]})), 'NETWORK_OVERLAPS');
    assert.equal(
      (await networks.list()).map(({name}) => name),
      ['bridge', 'odd'],
    );
    await networks.remove('odd');
    await networks.create({name: 'labelled', labels: {ci: ''}});
    await networks.create({name: 'plain'});
    const labels = [{name: 'ci', value: null, isExcluded: false}];
    assert.equal(await networks.prune({labels, createdBefore: 0}), []);
    assert.equal(await networks.prune({labels}), ['labelled']);
    assert.equal(await networks.prune(), ['plain']);
  });
});

/** Sends every datagram back that comes to a port of a container, in whose network it is. */
function serveEcho(pid: number, port: number): Disposable {
  const program = `const socket = require('node:dgram').createSocket('udp4').bind(${port});
    socket.on('message', (message, {address, port}) => socket.send(message, port, address));`;
  const words = ['--target', String(pid), '--net', process.execPath, '--eval', program];
  const server = spawn('nsenter', words, {stdio: ['ignore', 'ignore', 'inherit']});
  return {[Symbol.dispose]: () => void server.kill('SIGKILL')};
}

/** The answer to a datagram, which is sent until there is one: none is kept for a program that is still to listen. */
async function echo(port: number): Promise<string> {
  const socket = createSocket('udp4');
  let answer = '';
  socket.on('message', (message) => {
    answer = message.toString();
  });
  socket.on('error', () => {});
  try {
    await eventually(() => {
      socket.send('echoed', port, '127.0.0.1');
      return answer !== '';
    });
    return answer;
  } finally {
    socket.close();
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
