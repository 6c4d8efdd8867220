import * as assert from 'uvu/assert';
import {parseTraffic, readNetworkTraffic, sumOf} from '../../src/host/network-traffic.ts';
import {describe} from '../helpers/suite.ts';

const DEVICES = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0
  eth0: 1000 10 1 2 0 0 0 0 200 2 3 4 0 0 0 0
  eth1:5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0
`;

describe('host/network-traffic', ({test}) => {
  test('sums the devices, and leaves the loopback out', () =>
    assert.equal(sumOf(parseTraffic(DEVICES)), {receivedBytes: 1005, sentBytes: 207}));

  test('tells devices and directions apart', () => {
    const [first, second] = parseTraffic(DEVICES);
    assert.equal(first, {
      device: 'eth0',
      received: {bytes: 1000, packets: 10, errors: 1, dropped: 2},
      sent: {bytes: 200, packets: 2, errors: 3, dropped: 4},
    });
    assert.equal([second?.device, second?.received.packets], ['eth1', 1]);
  });

  test("says nothing of the machine's own network, nor of a process that is gone", () => {
    assert.is(readNetworkTraffic(process.pid), null);
    assert.is(readNetworkTraffic(2 ** 22 + 1), null);
  });
});
