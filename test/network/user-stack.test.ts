import * as assert from 'uvu/assert';
import type {PublishedPort} from '../../src/network/network-mode.ts';
import {pastaArguments} from '../../src/network/pasta.ts';
import {planStackFiles} from '../../src/network/user-stack.ts';
import {describe} from '../helpers/suite.ts';

describe('network/user-stack', ({test}) => {
  const wordsFor = (...ports: readonly PublishedPort[]) =>
    pastaArguments({directory: '/run/c', namespace: '/run/c/netns', ports, ownAddress: null}).join(' ');
  const planFor = (hostResolvConf: string | null, dns = {}) =>
    planStackFiles('pasta', {hostname: 'box', hostHosts: null, hostResolvConf, dns});

  test('pasta forwards what is asked for, and nothing else in either direction', () => {
    const tcp = {hostAddress: null, hostPort: 8080, containerPort: 80, protocol: 'tcp'} as const;
    assert.match(wordsFor(), / -t none -u none -T none -U none$/);
    assert.match(wordsFor(tcp), / -t 8080:80 -u none -T none -U none$/);
    const words = wordsFor(tcp, {...tcp, hostAddress: '::1', hostPort: 9}, {...tcp, protocol: 'udp'});
    assert.match(words, / -t 8080:80 -t ::1\/9:80 -u 8080:80 -T none/);
    assert.match(words, /--no-map-gw .*--pid \/run\/c\/network.pid --netns \/run\/c\/netns/);
  });

  test('a container that is to find the machine has an address of its own with pasta', () => {
    const start = {directory: '/run/c', namespace: '/run/c/netns', ports: []};
    const own = pastaArguments({...start, ownAddress: '10.0.2.101'}).join(' ');
    assert.match(own, / -a 10\.0\.2\.101 -n 24 -g 10\.0\.2\.2 --pid /);
    assert.not.match(wordsFor(), / -a /);
  });

  test('a server at a loopback address of the machine is asked by way of the program', () => {
    const lines = (text: string | null, dns = {}) => planFor(text, dns).resolvConf;
    assert.is(lines('nameserver 10.0.0.1\nsearch lan\n'), 'nameserver 10.0.0.1\nsearch lan\n');
    assert.is(lines('nameserver 127.0.0.53\nsearch lan\n'), 'search lan\nnameserver 169.254.1.1\n');
    assert.is(lines('nameserver 127.0.0.53\nnameserver 10.0.0.1\n'), 'nameserver 10.0.0.1\n');
    assert.is(lines(null), 'nameserver 169.254.1.1\n');
    assert.is(lines('nameserver 127.0.0.53\n', {servers: ['10.0.0.7']}), 'nameserver 10.0.0.7\n');
  });

  test('the container finds its own name', () => {
    const {hosts, hostname} = planFor(null);
    assert.match(hosts, /^127\.0\.1\.1\tbox$/m);
    assert.is(hostname, 'box\n');
  });
});
