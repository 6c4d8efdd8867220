import * as assert from 'uvu/assert';
import {createSysctls} from '../../src/bundle/sysctls.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const codeFor = (name: string, network: 'new' | 'host' = 'new') =>
  codeOf(() => createSysctls({sysctls: {[name]: '1'}}, network));

describe('bundle/sysctls', ({test}) => {
  for (const name of ['vm.swappiness', 'kernel.panic', 'kernel.hostname', 'fs.file-max', 'net', '', 'kernel']) {
    test(`refuses the host’s "${name}"`, () => assert.is(codeFor(name), 'SYSCTL_INVALID'));
  }

  for (const name of ['net.ipv4/../../kernel/panic', 'net..x', 'net.', 'net./x', '/net/x', 'net.ipv4 x', 'net.a\nb']) {
    test(`refuses ${JSON.stringify(name)}, which may leave the namespaced part`, () => {
      assert.is(codeFor(name), 'SYSCTL_INVALID');
    });
  }

  test('accepts settings of the container’s own namespaces', () => {
    for (const name of [
      'net.ipv4.ip_forward',
      'fs.mqueue.msg_max',
      'kernel.shmmax',
      'net.ipv4.conf.eth0/1.forwarding',
    ]) {
      assert.is(codeFor(name), null, name);
    }
  });

  test('refuses the host’s network settings while that network is shared', () => {
    assert.is(codeFor('net.ipv4.ip_forward', 'host'), 'SYSCTL_INVALID');
    assert.equal(createSysctls({}, 'host'), {});
  });

  test('refuses the settings of namespaces of the host that are shared', () => {
    const codeWith = (name: string, options: object) =>
      codeOf(() => createSysctls({sysctls: {[name]: '1'}, ...options}, 'new'));
    assert.is(codeWith('kernel.shmmax', {ipc: 'host'}), 'SYSCTL_INVALID');
    assert.is(codeWith('fs.mqueue.msg_max', {ipc: 'host'}), 'SYSCTL_INVALID');
    assert.is(codeWith('kernel.domainname', {uts: 'host'}), 'SYSCTL_INVALID');
    assert.is(codeWith('kernel.shmmax', {ipc: 'shareable', uts: 'host'}), null);
    assert.is(codeWith('kernel.domainname', {ipc: 'host'}), null);
  });

  test('lets a container of its own network ping and bind low ports, unless told otherwise', () => {
    const sysctls = createSysctls({sysctls: {'net.ipv4.ping_group_range': '1 0'}, domainname: 'example.test'}, 'new');
    assert.equal(sysctls, {
      'net.ipv4.ping_group_range': '1 0',
      'net.ipv4.ip_unprivileged_port_start': '0',
      'kernel.domainname': 'example.test',
    });
  });
});
