import * as assert from 'uvu/assert';
import {parseDevice} from '../../../src/cli/options/device.ts';
import {parseIdMappings} from '../../../src/cli/options/id-mapping.ts';
import {parseKeyValues} from '../../../src/cli/options/key-value.ts';
import {parseInteger, parsePositive} from '../../../src/cli/options/number.ts';
import {parseSize} from '../../../src/cli/options/size.ts';
import {parseUlimit} from '../../../src/cli/options/ulimit.ts';
import {describe} from '../../helpers/suite.ts';
import {messageOf} from '../message-of.ts';

describe('cli/options/size', ({test}) => {
  const good: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['1024', 1024],
    ['10b', 10],
    ['1k', 1024],
    ['64m', 64 * 1024 ** 2],
    ['64MB', 64 * 1024 ** 2],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['2 g', 2 * 1024 ** 3],
    ['1t', 1024 ** 4],
  ];
  for (const [text, bytes] of good) test(`reads ${text}`, () => assert.is(parseSize('--memory', text), bytes));

  for (const text of ['', 'm', '-1', '1x', '1 mm', '0x10', '1e3', '1,5g', '99999999p', ' 1', 'NaN']) {
    test(`refuses "${text}" and shows the right form`, () => {
      assert.match(
        messageOf(() => parseSize('--memory', text)),
        /^FLAG_INVALID: --memory: .*--memory 64m$/,
      );
    });
  }
});

describe('cli/options/number', ({test}) => {
  test('reads whole numbers in their range', () => {
    assert.is(parseInteger('--pids-limit', '-1', {minimum: -1}), -1);
    assert.is(parseInteger('--oom-score-adj', '+5', {minimum: 0, maximum: 9}), 5);
  });

  for (const word of ['', '1.5', '0x1', '-2', '99999999999999999999', 'x', '1 ']) {
    test(`refuses "${word}" as a whole number`, () => {
      assert.match(
        messageOf(() => parseInteger('--pids-limit', word, {minimum: -1})),
        'FLAG_INVALID: --pids-limit',
      );
    });
  }

  test('reads numbers above zero', () => {
    assert.is(parsePositive('--cpus', '1.5', '1.5'), 1.5);
    assert.is(parsePositive('--cpus', '.5', '1.5'), 0.5);
  });

  for (const word of ['', '0', '-1', '.', 'Infinity', '1e3', '1,5']) {
    test(`refuses "${word}" as a number above zero`, () => {
      assert.match(
        messageOf(() => parsePositive('--cpus', word, '1.5')),
        'write --cpus 1.5',
      );
    });
  }
});

describe('cli/options/key-value', ({test}) => {
  test('keeps the last of equal keys and all of a value', () => {
    assert.equal({...parseKeyValues('--sysctl', ['a=1', 'b=x=y', 'a=2', 'c='])}, {a: '2', b: 'x=y', c: ''});
  });

  test('takes a bare key where that is allowed', () => {
    assert.equal({...parseKeyValues('--label', ['a'], {allowBareKey: true})}, {a: ''});
    assert.match(
      messageOf(() => parseKeyValues('--sysctl', ['a'])),
      'FLAG_INVALID: --sysctl: "a" is not KEY=value',
    );
  });

  test('refuses empty keys', () => {
    assert.match(
      messageOf(() => parseKeyValues('--label', ['=b'], {allowBareKey: true})),
      'FLAG_INVALID',
    );
    assert.match(
      messageOf(() => parseKeyValues('--label', [''], {allowBareKey: true})),
      'FLAG_INVALID',
    );
  });

  test('treats __proto__ as a key like any other', () => {
    const record = parseKeyValues('--label', ['__proto__=x']);
    assert.equal(Object.entries(record), [['__proto__', 'x']]);
  });
});

describe('cli/options/ulimit', ({test}) => {
  test('reads one limit, two, and unlimited', () => {
    assert.equal(parseUlimit('nofile=1024'), {name: 'nofile', soft: 1024, hard: 1024});
    assert.equal(parseUlimit('nofile=1024:2048'), {name: 'nofile', soft: 1024, hard: 2048});
    assert.equal(parseUlimit('core=-1'), {name: 'core', soft: -1, hard: -1});
    assert.equal(parseUlimit('core=0:-1'), {name: 'core', soft: 0, hard: -1});
  });

  const bad: readonly (readonly [string, string])[] = [
    ['nofile', 'is not NAME=SOFT'],
    ['nofile=', 'is not NAME=SOFT'],
    ['nofile=a', 'is not NAME=SOFT'],
    ['nofile=1:2:3', 'is not NAME=SOFT'],
    ['nofile=-2', 'is not NAME=SOFT'],
    ['files=1', 'there is no limit "files"'],
    ['nofile=2048:1024', 'above the hard one'],
    ['nofile=-1:1024', 'above the hard one'],
  ];
  for (const [text, problem] of bad) {
    test(`refuses ${text}`, () =>
      assert.match(
        messageOf(() => parseUlimit(text)),
        problem,
      ));
  }
});

describe('cli/options/device', ({test}) => {
  const good: readonly (readonly [string, string, string, string])[] = [
    ['/dev/fuse', '/dev/fuse', '/dev/fuse', 'rwm'],
    ['/dev/sda:/dev/xvda', '/dev/sda', '/dev/xvda', 'rwm'],
    ['/dev/sda:r', '/dev/sda', '/dev/sda', 'r'],
    ['/dev/sda:/dev/xvda:rw', '/dev/sda', '/dev/xvda', 'rw'],
  ];
  for (const [text, source, target, permissions] of good) {
    test(`reads ${text}`, () => assert.equal(parseDevice(text), {source, target, permissions}));
  }

  for (const text of ['', 'dev/sda', '/dev/sda:xvda', '/dev/a:/dev/b:rwx', '/dev/a:/dev/b:rr', '/a:/b:/c']) {
    test(`refuses "${text}"`, () =>
      assert.match(
        messageOf(() => parseDevice(text)),
        'FLAG_INVALID: --device',
      ));
  }
});

describe('cli/options/id-mapping', ({test}) => {
  test('reads ranges, of one id when no size is given, for both when only one is named', () => {
    const ranges = [
      {containerID: 0, hostID: 1000, size: 1},
      {containerID: 1, hostID: 100_000, size: 65_536},
    ];
    assert.equal(parseIdMappings({uidmap: ['0:1000', '1:100000:65536']}), {uids: ranges, gids: ranges});
    assert.equal(parseIdMappings({uidmap: ['0:1000'], gidmap: ['0:5:1']}), {
      uids: ranges.slice(0, 1),
      gids: [{containerID: 0, hostID: 5, size: 1}],
    });
    assert.is(parseIdMappings({}), null);
  });

  for (const word of ['', '0', '0:', '0:1:2:3', '0:-1:1', 'a:1:1', '0:0x1', '0:99999999999']) {
    test(`refuses "${word}"`, () => {
      assert.match(
        messageOf(() => parseIdMappings({gidmap: [word]})),
        /^FLAG_INVALID: --gidmap: .*--gidmap 0:100000:65536$/,
      );
    });
  }
});
