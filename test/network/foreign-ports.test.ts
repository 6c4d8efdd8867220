import * as assert from 'uvu/assert';
import {parseForwardedPorts} from '../../src/network/foreign-ports.ts';
import {describe} from '../helpers/suite.ts';

const parse = (...lines: readonly string[]) => parseForwardedPorts(lines.join('\n'), 'WINCH-00000001');
const port = (first: number, more: object = {}) => ({hostAddress: null, first, last: first, protocol: 'tcp', ...more});

describe('network/foreign-ports', ({test}) => {
  test('reads what docker, the plugin portmap and other stores forward', () => {
    assert.equal(
      parse(
        '*nat',
        ':PREROUTING ACCEPT [0:0]',
        '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
        '-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p udp -m udp --dport 53 -j DNAT --to-destination 172.17.0.2:53',
        '-A CNI-DN-0 -p tcp -m tcp --dport 9000 -j DNAT --to-destination 10.1.0.2:90',
        '-A CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 9000,9100:9110 -j DNAT --to-destination 10.1.0.2',
        '-A WINCH-00000002-PORTS -d 198.18.0.1/32 -p tcp -m tcp --dport 7000 -j DNAT --to-destination 10.2.0.2:70',
        '-A OUTPUT -p tcp -m tcp --dport 4000 -j REDIRECT --to-ports 4001',
      ),
      [
        port(8080),
        port(53, {hostAddress: '127.0.0.1', protocol: 'udp'}),
        ...[port(9000), port(9000), port(9100, {last: 9110})],
        port(7000, {hostAddress: '198.18.0.1'}),
        port(4000),
      ],
    );
  });

  test('leaves out its own, and what forwards no port', () => {
    assert.equal(
      parse(
        '-A WINCH-00000001-PORTS -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80',
        '-A POSTROUTING -p tcp -m tcp --dport 80 -j MASQUERADE',
        '-A PREROUTING -p tcp -j DNAT --to-destination 10.1.0.9',
        '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      ),
      [],
    );
  });
});
