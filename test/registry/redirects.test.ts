import * as assert from 'node:assert/strict';
import {buildCertificate} from '../../fixtures/build-certificate.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, printable, REPOSITORY, readAll, withRegistry} from './with-registry.ts';

const PASSWORD = 'canary-password';
const login = {
  challenge: 'basic',
  users: {alice: PASSWORD},
  clientOptions: {credentials: async () => ({username: 'alice', password: PASSWORD})},
} as const;

describe('registry/redirects', ({test}) => {
  test('follows a blob to another host without the login', () =>
    withRegistry({}, async ({registry: storage}) =>
      withRegistry({...login, faults: [{on: 'blob', redirectTo: storage.origin}]}, async ({client, name, layer}) => {
        await client.getManifest(name, '1.0');
        assert.equal((await readAll(await client.openBlob(name, layer))).length, layer.size);
        assert.equal(storage.requests.length, 1);
        assert.doesNotMatch(JSON.stringify(storage.requests), /canary|authorization/i);
      }),
    ));

  test('keeps the range across a redirect', () =>
    withRegistry({}, async ({registry: storage}) =>
      withRegistry({faults: [{on: 'blob', redirectTo: storage.origin}]}, async ({client, name, layer}) => {
        const rest = await readAll(await client.openBlob(name, layer, {offset: 1000}));
        assert.equal(rest.length, layer.size - 1000);
      }),
    ));

  test('keeps the login on the same origin, and drops it for good once that is left', () =>
    withRegistry({}, async ({registry: storage}) =>
      withRegistry(login, async ({client, name, registry}) => {
        registry.put('elsewhere', '1', IMAGE);
        const location = `/v2/elsewhere/manifests/1`;
        registry.setFaults([{on: 'manifest', matching: REPOSITORY, status: 307, headers: {location}}]);
        await client.listTags(name);
        await client.getManifest(name, '1.0');
        storage.setFaults([{on: 'manifest', status: 302, headers: {location: `${registry.origin}${location}`}}]);
        registry.setFaults([{on: 'manifest', matching: REPOSITORY, redirectTo: storage.origin}]);
        await failureOf(client.getManifest(name, '1.0'));
        assert.equal(registry.requests.at(-1)?.url, location);
        assert.equal(registry.requests.at(-1)?.headers.authorization, undefined);
      }),
    ));

  test('follows ten redirects and refuses the eleventh', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.setFaults([{on: 'manifest', times: 10, redirectTo: registry.origin}]);
      assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
      registry.setFaults([{on: 'manifest', redirectTo: registry.origin}]);
      const error = await failureOf(client.getManifest(name, '1.0'));
      assert.equal(error.code, 'PROTOCOL_ERROR');
      assert.match(error.message, /more than 10 times/);
    }));

  test('refuses other schemes, metadata addresses and what is no URL', () =>
    withRegistry({}, async ({client, name, registry}) => {
      for (const location of [
        'file:///etc/passwd',
        'ftp://h/x',
        'http://169.254.169.254/x?canary=1',
        'http://[',
        'http://[fe80::1]/',
      ]) {
        registry.setFaults([{on: 'manifest', status: 302, headers: {location}}]);
        const error = await failureOf(client.getManifest(name, '1.0'));
        assert.equal(error.code, 'PROTOCOL_ERROR', location);
        assert.equal(error.kind, 'unavailable');
        assert.doesNotMatch(printable(error), /canary/);
      }
    }));

  test('refuses to go from HTTPS down to HTTP', () =>
    withRegistry({}, async ({registry: storage}) =>
      withRegistry({tls: buildCertificate(), faults: [{on: 'blob', redirectTo: storage.origin}]}, async (fixture) => {
        const error = await failureOf(fixture.client.openBlob(fixture.name, fixture.layer));
        assert.equal(error.code, 'PROTOCOL_ERROR');
        assert.match(error.message, /from HTTPS to plain HTTP/);
        assert.equal(storage.requests.length, 0);
      }),
    ));

  test('does not log in where a redirect leads', () =>
    withRegistry({challenge: 'basic', users: {alice: PASSWORD}}, async ({registry: storage}) =>
      withRegistry({...login, challenge: 'basic'}, async ({client, name, registry, layer}) => {
        await client.getManifest(name, '1.0');
        registry.setFaults([{on: 'blob', redirectTo: storage.origin}]);
        assert.equal((await failureOf(client.openBlob(name, layer))).code, 'REGISTRY_ERROR');
        assert.doesNotMatch(JSON.stringify(storage.requests), /authorization/i);
      }),
    ));
});
