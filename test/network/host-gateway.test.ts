import * as assert from 'uvu/assert';
import {chooseHostGateway, replaceHostGateway} from '../../src/network/host-gateway.ts';
import {describe} from '../helpers/suite.ts';

const ROUTES = 'Iface\tDestination\tGateway\nbr0\t0000120A\t00000000\neth0\t00000000\t0102000A\n';

describe('network/host-gateway', ({test}) => {
  const four = (address: string) => ({address, family: 'IPv4', internal: false}) as const;
  const loopback = [{address: '127.0.0.1', family: 'IPv4', internal: true}] as const;
  const six = [{address: 'fd00::1', family: 'IPv6', internal: false}] as const;
  const choose = (stack: 'pasta' | 'slirp4netns', interfaces: Parameters<typeof chooseHostGateway>[1]['interfaces']) =>
    chooseHostGateway(stack, {interfaces: {lo: loopback, ...interfaces}, routes: ROUTES});

  test('is an address of the device that leads out, or of any other', () => {
    const [bridge, out] = [[four('10.18.0.1')], [...six, four('192.0.2.7')]];
    assert.is(choose('pasta', {br0: bridge, eth0: out})?.address, '192.0.2.7');
    assert.is(choose('slirp4netns', {br0: bridge, eth0: six})?.address, '10.18.0.1');
    assert.is(choose('pasta', {eth0: six}), null);
  });

  test('is no address that the program does not lead to, nor the container’s', () => {
    const virtual = {eth0: [four('10.0.2.15')], br0: [four('10.18.0.1')]};
    assert.is(choose('pasta', virtual)?.address, '10.0.2.15');
    assert.is(choose('slirp4netns', virtual)?.address, '10.18.0.1');
    assert.is(choose('slirp4netns', {eth0: [four('10.0.2.15')]}), null);
    assert.is(choose('pasta', virtual)?.freeAddress, '10.0.2.100');
    assert.is(choose('pasta', {eth0: [four('10.0.2.100')]})?.freeAddress, '10.0.2.101');
  });

  test('takes the place of the word, and of nothing else', () => {
    const entries = [
      {name: 'a', address: 'host-gateway'},
      {name: 'b', address: '10.1.1.1'},
    ];
    assert.equal(replaceHostGateway(entries, '192.0.2.7'), [{name: 'a', address: '192.0.2.7'}, entries[1]]);
    assert.equal(replaceHostGateway(entries, undefined), entries);
    assert.is(replaceHostGateway(undefined, '192.0.2.7'), undefined);
  });
});
