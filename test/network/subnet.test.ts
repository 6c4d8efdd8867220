import * as assert from 'uvu/assert';
import {
  addressToNumber,
  contains,
  formatAddress,
  formatSubnet,
  lastOf,
  overlaps,
  parseSubnet,
  type Subnet,
} from '../../src/network/subnet.ts';
import {describe} from '../helpers/suite.ts';

const subnet = (text: string): Subnet => {
  const parsed = parseSubnet(text);
  if (parsed === null) throw new Error(`${text} is no subnet`);
  return parsed;
};

describe('network/subnet', ({test}) => {
  test('reads subnets of both families, and drops what is behind the prefix', () => {
    for (const [text, expected] of [
      ['10.1.2.0/24', '10.1.2.0/24'],
      ['10.1.2.77/24', '10.1.2.0/24'],
      ['0.0.0.0/0', '0.0.0.0/0'],
      ['FD00:0:0::1/64', 'fd00::/64'],
      ['::ffff:10.0.0.1/120', '::ffff:a00:0/120'],
      ['1:2:3:4:5:6:7:8/128', '1:2:3:4:5:6:7:8/128'],
    ] as const) {
      assert.is(formatSubnet(subnet(text)), expected);
    }
  });

  test('takes nothing else for a subnet', () => {
    for (const text of ['', '10.1.2.0', '10.1.2.0/33', '10.1.2/24', 'fd00::/129', '10.1.2.0/24x', '/24', '::1%lo/64']) {
      assert.is(parseSubnet(text), null, text);
    }
  });

  test('knows its last address and what is in it', () => {
    assert.is(formatAddress(4, lastOf(subnet('10.1.2.0/23'))), '10.1.3.255');
    assert.is(formatAddress(6, lastOf(subnet('fd00::/120'))), 'fd00::ff');
    assert.ok(contains(subnet('10.1.2.0/24'), '10.1.2.255'));
    assert.not.ok(contains(subnet('10.1.2.0/24'), '10.1.3.0'));
    assert.not.ok(contains(subnet('10.1.2.0/24'), 'fd00::1'));
    assert.not.ok(contains(subnet('10.1.2.0/24'), 'nonsense'));
  });

  test('sees overlaps in both directions, in one family only', () => {
    assert.ok(overlaps(subnet('10.0.0.0/8'), subnet('10.1.2.0/24')));
    assert.ok(overlaps(subnet('10.1.2.0/24'), subnet('10.0.0.0/8')));
    assert.not.ok(overlaps(subnet('10.1.2.0/24'), subnet('10.1.3.0/24')));
    assert.not.ok(overlaps(subnet('0.0.0.0/0'), subnet('::/0')));
  });

  test('writes back every address that it reads', () => {
    for (const address of ['1.2.3.4', '255.255.255.255', '::', '::1', 'fd00::5', 'fe80::1:0:0:1']) {
      const family = address.includes(':') ? 6 : 4;
      assert.is(formatAddress(family, addressToNumber(address)), address);
    }
  });
});
