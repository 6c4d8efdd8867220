import * as assert from 'node:assert/strict';
import {parseRateLimit} from '../../src/registry/rate-limit.ts';
import {describe} from '../helpers/suite.ts';
import {withRegistry} from './with-registry.ts';

describe('registry/rate-limit', ({test}) => {
  test('reads what a registry still grants from a reply that costs nothing', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const headers = {
        'ratelimit-limit': '100;w=21600',
        'ratelimit-remaining': '76;w=21600',
        'docker-ratelimit-source': '203.0.113.7',
      };
      registry.setFaults([{on: 'manifest', headers}]);
      const expected = {limit: 100, remaining: 76, windowSeconds: 21_600, source: '203.0.113.7'};
      assert.deepEqual(await client.rateLimit(name, {reference: '1.0'}), expected);
      assert.deepEqual(await client.rateLimit(name), expected, 'of a tag that does not exist');
      assert.deepEqual(
        registry.requests.filter((request) => request.class === 'manifest').map(({method, url}) => `${method} ${url}`),
        ['HEAD /v2/team/app/manifests/1.0', 'HEAD /v2/team/app/manifests/latest'],
      );
    }));

  test('says nothing where the registry does not', () =>
    withRegistry({}, async ({client, name}) => {
      assert.equal(await client.rateLimit(name), null);
    }));

  test('reads other forms, and no nonsense', () => {
    assert.deepEqual(parseRateLimit({'x-ratelimit-limit': '500', 'x-ratelimit-remaining': '0'}), {
      limit: 500,
      remaining: 0,
      windowSeconds: null,
      source: null,
    });
    assert.equal(parseRateLimit({'ratelimit-limit': '200 ; w=60'})?.windowSeconds, 60);
    for (const limit of ['', 'many', '-1', ';w=1']) assert.equal(parseRateLimit({'ratelimit-limit': limit}), null);
    assert.equal(parseRateLimit({'ratelimit-limit': '1', 'ratelimit-remaining': '?'})?.remaining, null);
  });
});
