import * as assert from 'uvu/assert';
import type {CreateNetworkRequest} from '../../../src/containers/networks/create-network.ts';
import type {NetworkSummary} from '../../../src/containers/networks/list-networks.ts';
import type {ContainerNetworks} from '../../../src/containers/networks/read-networks.ts';
import {formatNetworkMode, toNetworkSettings} from '../../../src/docker-json/network-settings.ts';
import type {PublishedPort} from '../../../src/network/network-mode.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';

const ID = 'ab'.repeat(32);
const SHOP: NetworkSummary = {
  ...{name: 'shop', id: ID, created: '2026-01-31T12:00:00.000Z', driver: 'bridge', bridge: 'winch-01234567'},
  subnets: [{subnet: '10.1.2.0/24', gateway: '10.1.2.1', range: null}],
  ...{isInternal: false, mtu: null, labels: {}, containers: []},
};
const port = (more: Partial<PublishedPort> = {}): PublishedPort => ({
  ...{hostAddress: null, hostPort: 8080, containerPort: 80, protocol: 'tcp'},
  ...more,
});
const PORTS = [port(), port({hostAddress: '::1', hostPort: 5353, containerPort: 53, protocol: 'udp'})];
const NETWORKS: ContainerNetworks = {
  networks: [
    {
      ...{name: 'shop', id: ID, device: 'eth0', macAddress: '02:00:00:00:00:01', aliases: ['www']},
      ...{addresses: ['10.1.2.2', 'fd00::2'], gateways: ['10.1.2.1', 'fd00::1']},
      subnets: ['10.1.2.0/24', 'fd00::/64'],
    },
  ],
  ports: [...PORTS, port({hostAddress: '127.0.0.1', hostPort: 81})],
};

describe('cli/commands/networks', ({test}) => {
  test('create prints the id of what was asked for', async () => {
    const requests: CreateNetworkRequest[] = [];
    const create = async (request: CreateNetworkRequest) => {
      requests.push(request);
      return ID;
    };
    const {code, stdout} = await runWinch(['network', 'create', '--internal', '-o', 'mtu=1400', 'shop'], {
      networks: {create},
    });
    assert.equal([code, stdout], [0, `${ID}\n`]);
    assert.equal(requests, [{name: 'shop', isInternal: true, mtu: 1400}]);
  });

  test('ls and inspect show networks', async () => {
    const networks = {list: async () => [SHOP], inspect: async () => SHOP};
    assert.is((await runWinch(['network', 'ls', '-q'], {networks})).stdout, 'shop\n');
    const names = await runWinch(['network', 'inspect', '-f', '{{.Name}} {{.Driver}}', 'shop'], {networks});
    assert.is(names.stdout, 'shop bridge\n');
    const [shown] = JSON.parse((await runWinch(['network', 'inspect', 'shop'], {networks})).stdout);
    assert.is(shown.IPAM.Config[0].Gateway, '10.1.2.1');
  });

  test('ls shows those for which all filters of different keys hold, and one of each key', async () => {
    const of = (name: string, more: Partial<NetworkSummary> = {}): NetworkSummary => ({...SHOP, name, ...more});
    const all = [
      of('bridge', {created: null, bridge: null}),
      of('shop', {labels: {ci: '', tier: 'front'}}),
      of('lan', {driver: 'macvlan', labels: {ci: 'yes'}}),
      of('busy', {containers: [{id: ID, name: 'web', addresses: [], macAddress: null}]}),
    ];
    const list = async (...filters: readonly string[]) => {
      const words = ['network', 'ls', '-q', ...filters.flatMap((filter) => ['--filter', filter])];
      const {code, stdout, stderr} = await runWinch(words, {networks: {list: async () => all}});
      return code === 0 ? stdout.trim().split('\n').join(' ') : stderr;
    };
    assert.is(await list(), 'bridge shop lan busy');
    assert.is(await list('name=s'), 'shop busy');
    assert.is(await list('driver=macvlan', 'driver=ipvlan'), 'lan');
    assert.is(await list('label=ci', 'label=tier=front'), 'shop');
    assert.is(await list('dangling=true'), 'shop lan');
    assert.is(await list('dangling=false', 'type=custom'), 'busy');
    assert.is(await list('type=builtin'), 'bridge');
    assert.is(await list('id=ab', 'name=lan'), 'lan');
    for (const odd of ['type=x', 'dangling=maybe', 'color=red', 'name='])
      assert.match(await list(odd), 'FILTER_INVALID');
    assert.match(await list('label'), 'FLAG_INVALID');
  });

  test('rm and prune print what is gone', async () => {
    const networks = {remove: async (name: string) => name, prune: async () => ['a', 'b']};
    assert.is((await runWinch(['network', 'rm', 'x', 'y'], {networks})).stdout, 'x\ny\n');
    assert.is((await runWinch(['network', 'prune', '-f', '--filter', 'label=ci'], {networks})).stdout, 'a\nb\n');
  });

  test('connect and disconnect name the container and the network', async () => {
    const calls: unknown[] = [];
    const networks = {
      connect: async (...[container, join]: readonly unknown[]) => void calls.push([container, join]),
      disconnect: async (...[container, network]: readonly unknown[]) => void calls.push([container, network]),
    };
    await runWinch(['network', 'connect', '--alias', 'db', '--ip', '10.1.2.9', 'shop', 'web'], {networks});
    await runWinch(['network', 'disconnect', 'shop', 'web'], {networks});
    assert.equal(calls, [
      ['web', {name: 'shop', aliases: ['db'], addresses: ['10.1.2.9']}],
      ['web', 'shop'],
    ]);
    const wrong = await runWinch(['network', 'connect', '--ip', 'x', 'shop', 'web'], {networks});
    assert.match(wrong.stderr, 'FLAG_INVALID');
  });

  test('port shows all ports, or where one is', async () => {
    const containers = {ports: async () => PORTS};
    const all = await runWinch(['port', 'web'], {containers});
    assert.equal([all.code, all.stdout], [0, '80/tcp -> 0.0.0.0:8080\n53/udp -> [::1]:5353\n']);
    assert.is((await runWinch(['port', 'web', '53/udp'], {containers})).stdout, '[::1]:5353\n');
    assert.is((await runWinch(['port', 'web', '53'], {containers})).code, 1);
    assert.match((await runWinch(['port', 'web', 'http'], {containers})).stderr, 'FLAG_INVALID');
  });

  test("a container's networks have docker's names", () => {
    const {Ports, IPAddress, IPPrefixLen, Networks} = toNetworkSettings({
      id: ID,
      name: 'web',
      ...NETWORKS,
      exposed: ['80/tcp', '81/tcp'],
    });
    assert.equal(Ports['80/tcp'], [
      {HostIp: '0.0.0.0', HostPort: '8080'},
      {HostIp: '127.0.0.1', HostPort: '81'},
    ]);
    assert.is(Ports['81/tcp'], null);
    assert.equal([IPAddress, IPPrefixLen], ['10.1.2.2', 24]);
    assert.equal([Networks.shop?.IPv6Gateway, Networks.shop?.Aliases], ['fd00::1', ['www']]);
    const none = toNetworkSettings({id: ID, name: null, networks: [], ports: [], mode: 'none'});
    assert.equal([none.IPAddress, Object.keys(none.Networks)], ['', ['none']]);
  });

  test('a network mode is written as the flag takes it', () => {
    assert.is(formatNetworkMode({networks: [{name: 'a'}, {name: 'b'}]}), 'a,b');
    assert.is(formatNetworkMode({container: 'web'}), 'container:web');
    assert.is(formatNetworkMode({namespace: '/run/netns/x'}), 'ns:/run/netns/x');
    assert.is(formatNetworkMode(undefined), 'none');
  });
});
