import * as assert from 'node:assert/strict';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, withRegistry} from './with-registry.ts';

describe('registry/catalog', ({test}) => {
  test('lists repositories over all pages, or some of them', () =>
    withRegistry({tagsPerPage: 2}, async ({client, name, registry}) => {
      for (const repository of ['a', 'b/c', 'd', 'z']) registry.put(repository, '1', IMAGE);
      assert.deepEqual(await client.catalog(name.registry), ['a', 'b/c', 'd', 'team/app', 'z']);
      assert.equal(registry.requests.filter((request) => request.class === 'catalog').length, 3);
      assert.deepEqual(await client.catalog(name.registry, {limit: 3}), ['a', 'b/c', 'd']);
      assert.deepEqual(await client.catalog(name.registry, {last: 'b/c', limit: 1}), ['d']);
    }));

  test('asks for a token for the catalog', () =>
    withRegistry(
      {
        challenge: 'bearer',
        users: {tester: 'secret'},
        clientOptions: {credentials: async () => ({username: 'tester', password: 'secret'})},
      },
      async ({client, name, registry}) => {
        assert.deepEqual(await client.catalog(name.registry), ['team/app']);
        const token = registry.requests.find((request) => request.class === 'token');
        assert.equal(new URL(token?.url ?? '', 'http://x').searchParams.get('scope'), 'registry:catalog:*');
      },
    ));

  test('says so where there is no catalog', () =>
    withRegistry({}, async ({client, name, registry}) => {
      for (const status of [404, 405]) {
        registry.setFaults([{on: 'catalog', status, body: '{}'}]);
        assert.equal((await failureOf(client.catalog(name.registry))).code, 'CATALOG_UNSUPPORTED');
      }
      registry.setFaults([{on: 'catalog', body: '<html>'}]);
      assert.equal((await failureOf(client.catalog(name.registry))).code, 'PROTOCOL_ERROR');
    }));
});
