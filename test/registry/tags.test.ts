import * as assert from 'node:assert/strict';
import {nearestTags} from '../../src/registry/tags.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, REPOSITORY, withRegistry} from './with-registry.ts';

describe('registry/tags', ({test}) => {
  test('lists tags over all pages', () =>
    withRegistry({tagsPerPage: 3}, async ({client, name, registry}) => {
      for (const tag of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) registry.put(REPOSITORY, tag, IMAGE);
      assert.deepEqual(await client.listTags(name), ['1.0', 'a', 'b', 'c', 'd', 'e', 'f', 'g']);
      assert.equal(registry.requests.filter((request) => request.class === 'tags').length, 3);
      assert.deepEqual(await client.listTags(name, {limit: 4}), ['1.0', 'a', 'b', 'c']);
    }));

  test('takes null for no tags, as registries write it', () =>
    withRegistry({faults: [{on: 'tags', body: '{"name":"x","tags":null}'}]}, async ({client, name}) => {
      assert.deepEqual(await client.listTags(name), []);
    }));

  test('follows a link to the same list only, and not for ever', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const link = '<http://169.254.169.254/v2/evil/tags/list?last=z>; rel="next"';
      registry.setFaults([{on: 'tags', matching: '?n=', headers: {link}}]);
      await client.listTags(name);
      assert.deepEqual(
        registry.requests.filter((request) => request.class === 'tags').map(({url}) => url),
        ['/v2/team/app/tags/list?n=1000', '/v2/team/app/tags/list?last=z'],
      );
      registry.setFaults([{on: 'tags', headers: {link: '<?n=1>; rel="next"'}}]);
      assert.equal((await failureOf(client.listTags(name, {limit: 50}))).code, 'PROTOCOL_ERROR');
    }));

  test('refuses what is no list of strings, no JSON, or longer than 4 MiB', () =>
    withRegistry({}, async ({client, name, registry}) => {
      for (const body of ['{"tags":[1]}', '{"tags":"a"}', '[]', '<html>', ' '.repeat(4_194_305)]) {
        registry.setFaults([{on: 'tags', body}]);
        const error = await failureOf(client.listTags(name));
        assert.equal(error.code, 'PROTOCOL_ERROR');
        assert.equal(error.kind, 'unavailable');
      }
    }));

  test('names a repository that does not exist', () =>
    withRegistry({}, async ({client, name}) => {
      assert.equal((await failureOf(client.listTags({...name, repository: 'none'}))).code, 'NAME_UNKNOWN');
    }));

  test('finds the tags that were likely meant', () => {
    const tags = ['1.25', '1.25-alpine', '1.24', '2', 'latest', 'stable', 'trixie', 'bookworm'];
    assert.deepEqual(nearestTags('1.2', tags).slice(0, 3), ['1.24', '1.25', '1.25-alpine']);
    assert.equal(nearestTags('latets', tags)[0], 'latest');
    assert.equal(nearestTags('trixe', tags)[0], 'trixie');
    assert.equal(nearestTags('x', tags).length, 5);
    assert.deepEqual(nearestTags('x', []), []);
  });
});
