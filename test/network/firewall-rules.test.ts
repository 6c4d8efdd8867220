import * as assert from 'uvu/assert';
import type {NetworkDefinition} from '../../src/network/definition.ts';
import {createRestoreScript, type FirewallPlan, type Forwarding} from '../../src/network/firewall-rules.ts';
import {describe} from '../helpers/suite.ts';

const network = (bridge: string, subnets: readonly string[], isInternal = false): NetworkDefinition => ({
  name: bridge,
  id: 'a'.repeat(64),
  created: '2026-01-31T12:00:00.000Z',
  bridge,
  subnets: subnets.map((subnet) => ({subnet, gateway: subnet.replace(/0\/.*/, '1'), range: null})),
  isInternal,
  mtu: null,
  labels: {},
});
const forwarding = (more: Partial<Forwarding> = {}): Forwarding => ({
  bridge: 'br1',
  address: '10.1.0.2',
  hostAddress: null,
  hostPort: 8080,
  containerPort: 80,
  protocol: 'tcp',
  ...more,
});
const plan = (more: Partial<FirewallPlan>): FirewallPlan => ({tag: 'T', networks: [], forwardings: [], ...more});
const BRIDGE = network('br1', ['10.1.0.0/24']);
const script = (more: Partial<FirewallPlan>, saved = '', family: 4 | 6 = 4) =>
  createRestoreScript(plan(more), {family, saved});

describe('network/firewall-rules', ({test}) => {
  test('without networks and without rules of ours there is nothing to do', () => {
    assert.is(script({}), '');
    assert.is(script({}, '*nat\n-A POSTROUTING -j T2-SOURCE\n*filter\n'), '');
  });

  test('makes the chains, what leads to them, and what is in them', () => {
    const lines = script({networks: [BRIDGE], forwardings: [forwarding()]}).split('\n');
    for (const line of [
      ':T-PORTS - [0:0]',
      '-A PREROUTING -m addrtype --dst-type LOCAL -j T-PORTS',
      '-A T-PORTS -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80',
      '-A T-SOURCE -s 10.1.0.0/24 ! -o br1 -j MASQUERADE',
      '-I FORWARD -j T-FORWARD',
      '-A T-FORWARD -o br1 -j DROP',
    ]) {
      assert.ok(lines.includes(line), line);
    }
    assert.equal(lines.filter((line) => line === 'COMMIT').length, 2);
  });

  test('made again, it takes the place of what is there', () => {
    const saved = '*nat\n:T-PORTS - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j T-PORTS\n*filter\n';
    const lines = script({networks: [BRIDGE]}, saved).split('\n');
    const removed = lines.indexOf('-D PREROUTING -m addrtype --dst-type LOCAL -j T-PORTS');
    assert.ok(removed > 0 && removed < lines.indexOf('-A PREROUTING -m addrtype --dst-type LOCAL -j T-PORTS'));
  });

  test('the last user takes everything of ours along, and nothing of others', () => {
    const saved = [
      ...['*nat', ':T-PORTS - [0:0]', ':OTHER - [0:0]', '-A PREROUTING -m addrtype --dst-type LOCAL -j T-PORTS'],
      ...['-A PREROUTING -j OTHER', '-A T-PORTS -p tcp -m tcp --dport 1 -j DNAT --to-destination 10.1.0.2:80', ''],
    ].join('\n');
    const lines = script({}, saved).trim().split('\n');
    assert.equal(lines, [
      ...['*nat', ':T-PORTS - [0:0]', '-D PREROUTING -m addrtype --dst-type LOCAL -j T-PORTS', '-X T-PORTS', 'COMMIT'],
    ]);
  });

  test('what gets into a network is decided before what gets out of another', () => {
    const lines = script({networks: [BRIDGE, network('br2', ['10.2.0.0/24'])]}).split('\n');
    assert.ok(lines.indexOf('-A T-FORWARD -o br2 -j DROP') < lines.indexOf('-A T-FORWARD -i br1 -j ACCEPT'));
  });

  test('nothing leaves an internal network', () => {
    const lines = script({networks: [network('br1', ['10.1.0.0/24'], true)]}).split('\n');
    assert.ok(lines.indexOf('-A T-FORWARD -i br1 -j DROP') < lines.indexOf('-A T-FORWARD -i br1 -j ACCEPT'));
    assert.not.ok(lines.some((line) => line.includes('! -o br1')));
  });

  test('each family gets its own addresses', () => {
    const both = network('br1', ['10.1.0.0/24', 'fd01::/64']);
    const forwardings = [
      ...[forwarding(), forwarding({address: 'fd01::2'}), forwarding({hostAddress: '127.0.0.1', hostPort: 81})],
      ...[forwarding({address: 'fd01::2', hostAddress: '127.0.0.1', hostPort: 81})],
    ];
    const rulesOf = (family: 4 | 6) =>
      script({networks: [both], forwardings}, '', family)
        .split('\n')
        .filter((line) => line.includes('DNAT --to'));
    assert.equal(rulesOf(4), [
      '-A T-PORTS -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80',
      '-A T-PORTS -d 127.0.0.1 -p tcp --dport 81 -j DNAT --to-destination 10.1.0.2:80',
    ]);
    assert.equal(rulesOf(6), ['-A T-PORTS -p tcp --dport 8080 -j DNAT --to-destination [fd01::2]:80']);
    assert.is(script({networks: [BRIDGE]}, '', 6), '');
  });
});
