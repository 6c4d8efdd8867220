import * as assert from 'uvu/assert';
import {parsePublish} from '../../../src/cli/options/publish.ts';
import type {PublishRequest} from '../../../src/network/network-mode.ts';
import {codeOf} from '../../helpers/code-of.ts';
import {describe} from '../../helpers/suite.ts';

const request = (more: Partial<PublishRequest> = {}): PublishRequest => ({
  hostAddress: null,
  hostPorts: null,
  containerPort: 80,
  protocol: 'tcp',
  ...more,
});
const port = (first: number, last = first) => ({first, last});

describe('cli/options/publish', ({test}) => {
  test("reads docker's forms", () => {
    const rows: readonly (readonly [string, PublishRequest])[] = [
      ['80', request()],
      ['8080:80', request({hostPorts: port(8080)})],
      [':80', request()],
      ['0:80', request()],
      ['127.0.0.1:8080:80', request({hostAddress: '127.0.0.1', hostPorts: port(8080)})],
      ['127.0.0.1::80', request({hostAddress: '127.0.0.1'})],
      ['0.0.0.0:8080:80', request({hostPorts: port(8080)})],
      ['[::1]:8080:80/udp', request({hostAddress: '::1', hostPorts: port(8080), protocol: 'udp'})],
      ['[::]::80', request()],
      ['8000-8010:80', request({hostPorts: port(8000, 8010)})],
      ['53:53/udp', request({hostPorts: port(53), containerPort: 53, protocol: 'udp'})],
    ];
    for (const [text, expected] of rows) assert.equal(parsePublish(text), [expected], text);
  });

  test('ranges go together port by port', () => {
    assert.equal(parsePublish('8000-8001:80-81'), [
      request({hostPorts: port(8000)}),
      request({hostPorts: port(8001), containerPort: 81}),
    ]);
    assert.equal(parsePublish('80-81'), [request(), request({containerPort: 81})]);
  });

  test('refuses what is none', () => {
    const wrong = [
      '',
      'x',
      '80/icmp',
      '80/tcp/udp',
      '1:2:3:4',
      '70000',
      '0',
      '8000-8002:80-81',
      '90-80',
      'localhost:1:2',
    ];
    for (const text of [...wrong, '::1:80:80', '[::1:80:80', '80:', '-1:80']) {
      assert.is(
        codeOf(() => parsePublish(text)),
        'FLAG_INVALID',
        text,
      );
    }
  });
});
