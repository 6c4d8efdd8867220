import * as assert from 'uvu/assert';
import type {NetworkDefinition, NetworkParent} from '../../src/network/definition.ts';
import {createParentConfig, leadsOut, requireParent} from '../../src/network/parent-config.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const parent: NetworkParent = {driver: 'ipvlan', device: 'eth0', mode: 'l3'};
const network: NetworkDefinition = {
  name: 'lan',
  id: '0'.repeat(64),
  created: '2024-01-01T00:00:00.000Z',
  bridge: 'unused',
  parent,
  subnets: [
    {subnet: '192.168.1.0/24', gateway: '192.168.1.1', range: {first: '192.168.1.192', last: '192.168.1.223'}},
    {subnet: 'fd00::/64', gateway: 'fd00::1', range: null},
  ],
  isInternal: false,
  mtu: 1400,
  labels: {},
};
const input = {network, join: {name: 'lan', addresses: ['192.168.1.200']}, isDefault: true, addressDirectory: '/a'};

describe('network/parent-config', ({test}) => {
  test('a device of the parent, with addresses and a way to the world of each family', () => {
    assert.equal(createParentConfig(parent, input), {
      cniVersion: '1.0.0',
      name: 'lan',
      type: 'ipvlan',
      master: 'eth0',
      mode: 'l3',
      mtu: 1400,
      ipam: {
        type: 'host-local',
        dataDir: '/a',
        ranges: [
          [
            {
              ...{subnet: '192.168.1.0/24', gateway: '192.168.1.1'},
              ...{rangeStart: '192.168.1.192', rangeEnd: '192.168.1.223'},
            },
          ],
          [{subnet: 'fd00::/64', gateway: 'fd00::1'}],
        ],
        routes: [{dst: '0.0.0.0/0'}, {dst: '::/0'}],
      },
      runtimeConfig: {ips: ['192.168.1.200']},
    });
  });

  test('no way to the world from an internal one, nor where another network has it', () => {
    const internal = createParentConfig(parent, {...input, network: {...network, isInternal: true}});
    const second = createParentConfig(parent, {...input, isDefault: false});
    assert.equal([internal, second, createParentConfig(parent, input)].map(leadsOut), [false, false, true]);
  });

  test('the device has to be one of this machine', () => {
    requireParent({...parent, device: 'lo'});
    for (const device of ['nothing0', '../lo', '', '..', 'x'.repeat(16)]) {
      assert.is(
        codeOf(() => requireParent({...parent, device})),
        'NETWORK_PARENT_MISSING',
        device,
      );
    }
  });
});
