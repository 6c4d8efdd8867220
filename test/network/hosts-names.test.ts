import * as assert from 'uvu/assert';
import {replaceNetworkNames} from '../../src/network/hosts-names.ts';
import {describe} from '../helpers/suite.ts';

const entry = (address: string, name: string) => ({address, name});

describe('network/hosts-names', ({test}) => {
  test('adds names, and replaces those of before', () => {
    const first = replaceNetworkNames('127.0.0.1\tlocalhost\n', [entry('10.0.0.2', 'web www')]);
    assert.match(first, /^127\.0\.0\.1\tlocalhost\n#.*\n10\.0\.0\.2\tweb www\n#.*\n$/);
    const second = replaceNetworkNames(first, [entry('10.0.0.3', 'db')]);
    assert.not.match(second, 'web');
    assert.is(second, first.replace('10.0.0.2\tweb www', '10.0.0.3\tdb'));
    assert.is(replaceNetworkNames(second, [entry('10.0.0.3', 'db')]), second);
  });

  test('leaves alone what somebody else has written, wherever it is', () => {
    const hosts = replaceNetworkNames('127.0.0.1\tlocalhost', [entry('10.0.0.2', 'web')]);
    const changed = `1.1.1.1\tfirst\n${hosts}2.2.2.2\tlast`;
    const again = replaceNetworkNames(changed, []);
    for (const line of ['1.1.1.1\tfirst\n', '127.0.0.1\tlocalhost\n', '2.2.2.2\tlast\n']) assert.match(again, line);
    assert.not.match(again, 'web');
  });

  test('a file whose marks somebody has torn keeps every line', () => {
    const hosts = replaceNetworkNames('127.0.0.1\tlocalhost\n', [entry('10.0.0.2', 'web')]);
    const torn = hosts.split('\n').slice(0, -2).join('\n');
    assert.match(replaceNetworkNames(torn, [entry('10.0.0.3', 'db')]), /10\.0\.0\.2\tweb\n[\s\S]*10\.0\.0\.3\tdb\n/);
  });
});
