import * as assert from 'uvu/assert';
import {readContainerPorts, readHostAddress, readHostPorts, readPortRange} from '../../src/network/port-form.ts';
import {describe} from '../helpers/suite.ts';

describe('network/port-form', ({test}) => {
  test('reads one port, or several', () => {
    assert.equal(readPortRange('80'), {first: 80, last: 80});
    assert.equal(readPortRange('8000-8010'), {first: 8000, last: 8010});
    assert.equal(readPortRange('1-65535'), {first: 1, last: 65_535});
    for (const text of ['', '0', '65536', '90-80', '80-', '-80', '1-2-3', ' 80', '8e1', '000080']) {
      assert.is(readPortRange(text), null, text);
    }
  });

  test('any port of the machine is nothing, or 0', () => {
    for (const text of ['', '0']) assert.is(readHostPorts(text), 'any');
    assert.equal(readHostPorts('80'), {first: 80, last: 80});
    assert.is(readHostPorts('x'), null);
  });

  test('reads the protocol of ports of a container', () => {
    assert.equal(readContainerPorts('80'), {ports: {first: 80, last: 80}, protocol: 'tcp'});
    assert.equal(readContainerPorts('53-54/udp'), {ports: {first: 53, last: 54}, protocol: 'udp'});
    for (const text of ['', '/tcp', '80/', '80/icmp', '80/tcp/udp', '0/tcp']) assert.is(readContainerPorts(text), null);
  });

  test('all addresses are null', () => {
    for (const text of ['', '0.0.0.0', '::']) assert.is(readHostAddress(text), null);
    assert.is(readHostAddress('::1'), '::1');
  });
});
