import * as assert from 'node:assert/strict';
import {parseChallenges} from '../../src/registry/challenge.ts';
import {describe} from '../helpers/suite.ts';

const read = (header: string) =>
  parseChallenges(header).map(({scheme, parameters}) => [scheme, Object.fromEntries(parameters)]);

describe('registry/challenge', ({test}) => {
  const samples: readonly (readonly [title: string, header: string, expected: unknown])[] = [
    [
      'reads what Docker Hub sends',
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/a:pull"',
      [
        [
          'bearer',
          {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:library/a:pull',
          },
        ],
      ],
    ],
    [
      'keeps commas inside quotes',
      'Bearer scope="repository:x:pull,push"',
      [['bearer', {scope: 'repository:x:pull,push'}]],
    ],
    [
      'reads several challenges in one header',
      'Basic realm="a", Bearer realm="b"',
      [
        ['basic', {realm: 'a'}],
        ['bearer', {realm: 'b'}],
      ],
    ],
    [
      'steps over a token68',
      'Negotiate YWJj==, Basic realm="a"',
      [
        ['negotiate', {}],
        ['basic', {realm: 'a'}],
      ],
    ],
    ['reads a scheme without parameters', 'Negotiate', [['negotiate', {}]]],
    ['folds the case of schemes and names', 'BEARER Realm="x"', [['bearer', {realm: 'x'}]]],
    ['unescapes quoted pairs', 'Basic realm="a\\"b\\\\c"', [['basic', {realm: 'a"b\\c'}]]],
    [
      'takes unquoted values with slashes and colons',
      'Bearer realm=https://h:1/t,service=s',
      [['bearer', {realm: 'https://h:1/t', service: 's'}]],
    ],
    ['allows blanks around the equals sign', 'Basic realm = "a"', [['basic', {realm: 'a'}]]],
    ['lets the first of duplicates count', 'Bearer realm="a",realm="b"', [['bearer', {realm: 'a'}]]],
    ['keeps what came before junk', 'Basic realm="a", "junk', [['basic', {realm: 'a'}]]],
    ['drops parameters without a scheme', 'realm="a"', []],
    ['reads nothing from nothing', '', []],
  ];
  for (const [title, header, expected] of samples) test(title, () => assert.deepEqual(read(header), expected));

  test('reads hostile headers in linear time', () => {
    const started = process.cpuUsage();
    for (const junk of [
      '"\\'.repeat(8000),
      ' ,'.repeat(8000),
      'a='.repeat(8000),
      'a '.repeat(8000),
      `a="${'\\'.repeat(16_000)}`,
    ]) {
      read(`Basic realm=${junk}`);
      read(junk);
    }
    assert.ok(process.cpuUsage(started).user < 1_000_000);
  });
});
