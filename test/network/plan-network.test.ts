import * as assert from 'uvu/assert';
import {planNetwork} from '../../src/network/plan-network.ts';
import {describe} from '../helpers/suite.ts';

const REQUEST = {
  hostname: 'box',
  extraHosts: [{name: 'db', address: '10.0.0.9'}],
  hostHosts: '127.0.0.1 localhost\n10.0.0.5 cache\n',
  hostResolvConf: 'nameserver 10.0.0.2\n',
};

describe('network/plan-network', ({test}) => {
  test('shares the host’s network, names and name servers', () => {
    assert.equal(planNetwork('host', REQUEST), {
      namespace: 'host',
      files: {
        hosts: '127.0.0.1 localhost\n10.0.0.5 cache\n127.0.1.1\tbox\n10.0.0.9\tdb\n',
        hostname: 'box\n',
        resolvConf: 'nameserver 10.0.0.2\n',
      },
    });
  });

  test('tells a container without a network nothing of the host’s', () => {
    const {namespace, files} = planNetwork('none', REQUEST);
    assert.is(namespace, 'new');
    assert.not.match(files.hosts, 'cache');
    assert.match(files.hosts, /^127\.0\.0\.1\tlocalhost\n.*127\.0\.1\.1\tbox\n10\.0\.0\.9\tdb\n$/s);
    assert.is(files.resolvConf, '');
  });

  test('does with a host that has neither file', () => {
    const {files} = planNetwork('host', {hostname: 'box', hostHosts: null, hostResolvConf: null});
    assert.match(files.hosts, /localhost/);
    assert.is(files.resolvConf, '');
  });
});
