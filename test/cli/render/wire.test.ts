import * as assert from 'uvu/assert';
import {describeWire} from '../../../src/cli/render/wire.ts';
import type {WireRecord} from '../../../src/trace.ts';
import {describe} from '../../helpers/suite.ts';

const REQUEST: WireRecord = {
  type: 'wire:request',
  exchange: 7,
  method: 'GET',
  url: 'https://registry.example/v2/',
  headers: {},
  body: null,
};

describe('cli/render/wire', ({test}) => {
  test('writes one line for each message', () => {
    const headers = {accept: 'a/b', authorization: 'Bearer ***'};
    assert.equal(
      [
        describeWire(REQUEST),
        describeWire({...REQUEST, method: 'PUT', headers, body: '5 bytes'}),
        describeWire({type: 'wire:response', exchange: 7, status: 200, durationMs: 12.4, headers: {age: '1'}}),
        describeWire({type: 'wire:failed', exchange: 7, durationMs: 12.4, code: 'TLS_FAILED', message: 'no'}),
        describeWire({type: 'wire:credential', registry: 'registry.example', source: '/auth.json', kind: 'password'}),
      ],
      [
        '> 7 GET https://registry.example/v2/',
        '> 7 PUT https://registry.example/v2/ (accept: a/b; authorization: Bearer ***), 5 bytes',
        '< 7 200 in 12 ms (age: 1)',
        '< 7 TLS_FAILED after 12 ms: no',
        '* registry.example: password from /auth.json',
      ],
    );
  });

  test('N01 headers and names of a registry cannot command a terminal', () => {
    const evil = '\x1b]52;c;YQ==\x07\x1b[2J\r\n\u202e\u2028\u009b31m';
    const headers = {'www-authenticate': evil, warning: evil, [evil]: 'x'};
    for (const record of [
      {...REQUEST, url: evil, headers},
      {type: 'wire:response', exchange: 1, status: 200, durationMs: 1, headers},
      {type: 'wire:failed', exchange: 1, durationMs: 1, code: evil, message: evil},
      {type: 'wire:credential', registry: evil, source: evil, kind: evil},
    ] as const) {
      assert.match(describeWire(record), /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, record.type);
    }
  });
});
