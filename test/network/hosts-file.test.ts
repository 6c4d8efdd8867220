import * as assert from 'uvu/assert';
import {formatHostsFile, LOOPBACK_HOSTS} from '../../src/network/hosts-file.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

describe('network/hosts-file', ({test}) => {
  test('adds the container’s own name, so that it resolves without a network', () => {
    assert.is(formatHostsFile('127.0.0.1 localhost', 'box', []), '127.0.0.1 localhost\n127.0.1.1\tbox\n');
    assert.ok(formatHostsFile(LOOPBACK_HOSTS, 'box', []).startsWith('127.0.0.1\tlocalhost\n::1\t'));
  });

  test('leaves a name alone that the base knows, comments aside', () => {
    assert.is(formatHostsFile('10.0.0.1\tbox.example box\n', 'box', []), '10.0.0.1\tbox.example box\n');
    assert.match(formatHostsFile('10.0.0.1 other # box\n', 'box', []), /127\.0\.1\.1\tbox\n$/);
  });

  test('adds extra hosts in order', () => {
    const extra = [
      {name: 'db', address: '10.1.2.3'},
      {name: 'db', address: 'fd00::1'},
    ];
    assert.is(formatHostsFile('', 'box', extra), '127.0.1.1\tbox\n10.1.2.3\tdb\nfd00::1\tdb\n');
  });

  test('says where the gateway of this machine is to be had', () => {
    const extra = [{name: 'db', address: 'host-gateway'}];
    assert.throws(
      () => formatHostsFile('', 'box', extra),
      /"db" cannot be host-gateway: the container is in no bridge/,
    );
  });

  test('refuses entries that would not be one line of the file', () => {
    for (const [name, address] of [
      ['db', 'db'],
      ['db', ''],
      ['db', '10.0.0.1\n10.0.0.2'],
      ['a b', '10.0.0.1'],
      ['a\n10.0.0.1 b', '10.0.0.1'],
      ['', '10.0.0.1'],
      ['a#', '10.0.0.1'],
    ] as const) {
      assert.is(
        codeOf(() => formatHostsFile('', 'box', [{name, address}])),
        'NETWORK_INVALID',
        `${name} ${address}`,
      );
    }
  });
});
