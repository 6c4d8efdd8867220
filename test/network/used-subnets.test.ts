import * as assert from 'uvu/assert';
import {formatSubnet, overlaps, parseSubnet, type Subnet} from '../../src/network/subnet.ts';
import {chooseSubnet, parseRoutes4, parseRoutes6, readUsedSubnets} from '../../src/network/used-subnets.ts';
import {describe} from '../helpers/suite.ts';

const ROUTES4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
const ROUTES6 = `fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000004 00000000 00000001     eth0
`;

describe('network/used-subnets', ({test}) => {
  const subnet = (text: string): Subnet => {
    const parsed = parseSubnet(text);
    if (parsed === null) throw new Error(`${text} is no subnet`);
    return parsed;
  };

  test("reads the kernel's routes but for the default one", () => {
    assert.equal(parseRoutes4(ROUTES4).map(formatSubnet), ['172.17.0.0/16', '192.0.2.0/24']);
    assert.equal(parseRoutes6(ROUTES6).map(formatSubnet), ['fd00::/64']);
    assert.equal([...parseRoutes4(''), ...parseRoutes6('')], []);
  });

  test('chooses what overlaps nothing that is used', () => {
    const used = [subnet('10.192.0.0/24'), subnet('10.192.1.128/25')];
    assert.is(chooseSubnet(used, 0), '10.192.2.0/24');
    assert.is(chooseSubnet([], 5), '10.192.5.0/24');
    const chosen = subnet(chooseSubnet(readUsedSubnets(), 0) ?? '');
    assert.not.ok(readUsedSubnets().some((other) => overlaps(other, chosen)));
  });

  test('begins anew at the end of what there is to choose from', () => {
    assert.is(chooseSubnet([subnet('10.223.255.0/24')], 8191), '10.192.0.0/24');
    assert.is(chooseSubnet([], 8192), '10.192.0.0/24');
  });

  test('a route to half of the world does not take all of it', () => {
    const vpn = [subnet('0.0.0.0/1'), subnet('10.0.0.0/8'), subnet('10.192.0.0/24')];
    assert.is(chooseSubnet(vpn, 0), '10.192.1.0/24');
    assert.is(chooseSubnet([subnet('10.192.0.0/11')], 0), null);
  });
});
