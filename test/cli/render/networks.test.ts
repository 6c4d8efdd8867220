import * as assert from 'uvu/assert';
import {renderNetworks} from '../../../src/cli/render/networks.ts';
import type {NetworkSummary} from '../../../src/containers/networks/list-networks.ts';
import {toDockerNetwork} from '../../../src/docker-json/network.ts';
import {describe} from '../../helpers/suite.ts';

const SHOP: NetworkSummary = {
  name: 'shop',
  id: 'ab'.repeat(32),
  created: '2026-01-31T12:00:00.000Z',
  driver: 'bridge',
  bridge: 'winch-01234567',
  subnets: [{subnet: '10.1.2.0/24', gateway: '10.1.2.1', range: null}],
  isInternal: false,
  mtu: 1400,
  labels: {team: 'web\u001b'},
  containers: [{id: 'cd'.repeat(32), name: 'web', addresses: ['10.1.2.2', 'fd00::2'], macAddress: '02:00:00:00:00:01'}],
};
const UNUSED: NetworkSummary = {
  ...SHOP,
  name: 'bridge',
  created: null,
  bridge: null,
  subnets: [],
  containers: [],
};
const VIEW = {format: undefined, namesOnly: false, isFull: false};

describe('cli/render/networks', ({test}) => {
  test('lists networks with their subnets', () => {
    const [, first, second] = renderNetworks([UNUSED, SHOP], VIEW).split('\n');
    assert.match(first ?? '', /^abababababab +bridge +bridge +0$/);
    assert.match(second ?? '', /^abababababab +shop +bridge +10\.1\.2\.0\/24 +1$/);
  });

  test('prints names, or what a template asks', () => {
    assert.is(renderNetworks([UNUSED, SHOP], {...VIEW, namesOnly: true}), 'bridge\nshop');
    const format = '{{.Name}} {{.Internal}} {{.Labels}}';
    assert.is(renderNetworks([SHOP], {...VIEW, format}), 'shop false team=web\\x1b');
  });

  test("has the fields of docker's inspect", () => {
    const {Name, IPAM, Containers, Options} = toDockerNetwork(SHOP);
    assert.equal([Name, IPAM.Config], ['shop', [{Subnet: '10.1.2.0/24', Gateway: '10.1.2.1'}]]);
    assert.equal(Object.values(Containers), [
      {
        ...{Name: 'web', EndpointID: '', MacAddress: '02:00:00:00:00:01'},
        ...{IPv4Address: '10.1.2.2/24', IPv6Address: 'fd00::2/0'},
      },
    ]);
    assert.is(Options['com.docker.network.driver.mtu'], '1400');
  });
});
