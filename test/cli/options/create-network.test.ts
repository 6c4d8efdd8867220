import * as assert from 'uvu/assert';
import {parseCreateNetwork} from '../../../src/cli/options/create-network.ts';
import {codeOf} from '../../helpers/code-of.ts';
import {describe} from '../../helpers/suite.ts';

describe('cli/options/create-network', ({test}) => {
  test('a name is enough', () => {
    assert.equal(parseCreateNetwork('shop', {}), {name: 'shop'});
  });

  test('gateways and ranges go with the subnets in their order', () => {
    const subnet = ['10.1.0.0/16', 'fd00::/64'];
    const {subnets} = parseCreateNetwork('shop', {
      subnet,
      gateway: ['10.1.0.9'],
      'ip-range': ['10.1.2.0/24', 'fd00::/80'],
    });
    assert.equal(subnets, [
      {subnet: '10.1.0.0/16', gateway: '10.1.0.9', range: '10.1.2.0/24'},
      {subnet: 'fd00::/64', range: 'fd00::/80'},
    ]);
    assert.is(
      codeOf(() => parseCreateNetwork('shop', {gateway: ['10.1.0.9']})),
      'FLAGS_CONFLICT',
    );
  });

  test("reads the largest packet by docker's name or its own", () => {
    assert.is(parseCreateNetwork('shop', {opt: ['mtu=1400']}).mtu, 1400);
    assert.is(parseCreateNetwork('shop', {opt: ['com.docker.network.driver.mtu=1400']}).mtu, 1400);
    for (const opt of ['mtu=x', 'mtu=10', 'other=1']) {
      assert.is(
        codeOf(() => parseCreateNetwork('shop', {opt: [opt]})),
        'NETWORK_INVALID',
        opt,
      );
    }
  });

  test('reads the device of a macvlan and an ipvlan, and their modes as docker and podman call them', () => {
    const parentOf = (driver: 'macvlan' | 'ipvlan', ...opt: readonly string[]) =>
      parseCreateNetwork('lan', {driver, opt: ['parent=eth0', ...opt]}).parent;
    assert.equal(parentOf('macvlan'), {driver: 'macvlan', device: 'eth0', mode: 'bridge'});
    assert.equal(parentOf('macvlan', 'macvlan_mode=vepa')?.mode, 'vepa');
    assert.equal(parentOf('ipvlan', 'mtu=1400'), {driver: 'ipvlan', device: 'eth0', mode: 'l2'});
    assert.equal(parentOf('ipvlan', 'mode=l3')?.mode, 'l3');
    assert.is(
      codeOf(() => parseCreateNetwork('lan', {driver: 'macvlan'})),
      'NETWORK_INVALID',
    );
    for (const values of [
      {opt: ['parent=eth0']},
      {driver: 'macvlan', opt: ['parent=eth0', 'ipvlan_mode=l2']},
    ] as const) {
      assert.is(
        codeOf(() => parseCreateNetwork('lan', values)),
        'NETWORK_INVALID',
      );
    }
  });

  test('reads labels', () => {
    assert.equal({...parseCreateNetwork('shop', {label: ['a=b', 'c'], internal: true}).labels}, {a: 'b', c: ''});
  });
});
