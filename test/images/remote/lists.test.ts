import * as assert from 'uvu/assert';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {AMD64, withRemote} from './with-remote.ts';

const HEX = 'a'.repeat(64);

describe('images/remote: tags and catalog', ({test}) => {
  test('lists the tags of a repository, page after page', () =>
    withRemote({tagsPerPage: 2}, async ({registry, registries, name}) => {
      for (const tag of ['b', 'a', 'c']) registry.put('team/app', tag, AMD64);
      assert.equal(await registries.listTags(name), {repository: name, tags: ['1.0', 'a', 'amd64', 'b', 'c']});
      assert.equal((await registries.listTags(name, {limit: 3})).tags, ['1.0', 'a', 'amd64']);
      assert.equal((await registries.listTags(name, {last: 'a', limit: 2})).tags, ['amd64', 'b']);
    }));

  test('asks for no more than a limit needs', () =>
    withRemote({tagsPerPage: 1}, async ({registries, name, asked}) => {
      await registries.listTags(name, {limit: 1});
      assert.equal(asked(), ['GET tags']);
    }));

  test('filters and sorts before it limits', () =>
    withRemote({}, async ({registry, registries, name}) => {
      for (const tag of ['v1.10.0', 'v1.9.0', 'v2.0.0-rc.1', `sha256-${HEX}`, `sha256-${HEX}.sig`]) {
        registry.put('team/app', tag, AMD64);
      }
      const tagsBy = async (options: Parameters<typeof registries.listTags>[1]) =>
        (await registries.listTags(name, options)).tags;
      assert.equal(await tagsBy({omitDigestTags: true, sort: 'semver', isReversed: true, limit: 2}), [
        'v2.0.0-rc.1',
        'v1.10.0',
      ]);
      assert.equal(await tagsBy({include: ['semver:>=1.5'], limit: 1}), ['v1.10.0']);
      assert.equal(await tagsBy({include: ['v*'], exclude: ['*-rc*'], sort: 'name'}), ['v1.10.0', 'v1.9.0']);
      assert.equal(await tagsBy({isReversed: true, limit: 1}), ['v2.0.0-rc.1']);
      assert.equal((await rejectionOf(tagsBy({include: ['semver:no']}))).code, 'TAG_PATTERN_INVALID');
    }));

  test('reads a hundred thousand tags and refuses more', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const body = (from: number, count: number) =>
        JSON.stringify({name, tags: Array.from({length: count}, (_, at) => `t${(from + at).toString(36)}`)});
      registry.setFaults([{on: 'tags', body: body(0, 100_000)}]);
      assert.is((await registries.listTags(name)).tags.length, 100_000);
      assert.is((await registries.listTags(name, {include: ['t1?']})).tags.length, 36);
      registry.setFaults([{on: 'tags', body: body(0, 100_001)}]);
      assert.is((await rejectionOf(registries.listTags(name))).code, 'LIMIT_TAGS');
      assert.is((await registries.listTags(name, {limit: 7})).tags.length, 7);
    }));

  test('gives up a list whose pages lead back to themselves', () =>
    withRemote({}, async ({registry, registries, name, asked}) => {
      registry.setFaults([{on: 'tags', headers: {link: '<?n=1>; rel="next"'}}]);
      assert.is((await rejectionOf(registries.listTags(name))).code, 'PROTOCOL_ERROR');
      assert.is(asked().length, 2);
    }));

  test('wants a repository and no image', () =>
    withRemote({}, async ({registries, name, asked}) => {
      for (const text of [`${name}:1.0`, `${name}@sha256:${HEX}`, 'Upper', '']) {
        assert.is((await rejectionOf(registries.listTags(text))).code, 'REFERENCE_INVALID', text);
      }
      assert.equal(asked(), []);
      assert.is((await rejectionOf(registries.listTags(`${name}x`))).code, 'NAME_UNKNOWN');
    }));

  test('lists the repositories of a registry by glob', () =>
    withRemote({tagsPerPage: 1}, async ({registry, registries}) => {
      for (const repository of ['team/web', 'other/app', 'other/web']) registry.put(repository, '1', AMD64);
      const {host} = registry;
      const all = ['other/app', 'other/web', 'team/app', 'team/web'];
      assert.equal(await registries.listRepositories(host), {registry: host, repositories: all});
      assert.equal((await registries.listRepositories(host, {limit: 2})).repositories, all.slice(0, 2));
      assert.equal((await registries.listRepositories(host, {last: 'other/web'})).repositories, all.slice(2));
      assert.equal((await registries.listRepositories(host, {include: ['*/web'], limit: 1})).repositories, [
        'other/web',
      ]);
    }));

  test('says so where there is no catalog, and what is no registry', () =>
    withRemote({}, async ({registry, registries}) => {
      registry.setFaults([{on: 'catalog', status: 404, body: '{}'}]);
      assert.is((await rejectionOf(registries.listRepositories(registry.host))).code, 'CATALOG_UNSUPPORTED');
      for (const text of ['alpine', 'host.example/path', '', 'http://host', 'host:port']) {
        assert.is((await rejectionOf(registries.listRepositories(text))).code, 'REFERENCE_INVALID', text);
      }
    }));
});
