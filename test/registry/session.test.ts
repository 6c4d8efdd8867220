import * as assert from 'node:assert/strict';
import {buildCertificate} from '../../fixtures/build-certificate.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, withRegistry} from './with-registry.ts';

describe('registry/session', ({test}) => {
  test('finds out by the first request itself whether a loopback registry speaks HTTP', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      await client.getManifest(name, '1.0');
      await client.getManifest(name, '1.0');
      (await client.openBlob(name, layer)).close();
      assert.deepEqual(
        registry.requests.map((request) => request.class),
        ['manifest', 'manifest', 'blob'],
      );
    }));

  test('finds HTTPS on loopback, whatever its certificate', () =>
    withRegistry({tls: buildCertificate({addresses: ['10.9.9.9']})}, async ({client, name}) => {
      assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
    }));

  test('finds HTTPS where plain HTTP is answered with 400', async () => {
    const isRefused = {times: 1, status: 400};
    const faults = [
      {on: 'manifest', ...isRefused},
      {on: 'ping', ...isRefused},
    ] as const;
    await withRegistry({faults}, async ({client, name}) => {
      // The fixture speaks no TLS here, so what shows is that HTTPS was tried.
      assert.equal((await failureOf(client.getManifest(name, '1.0'))).code, 'TLS_FAILED');
    });
  });

  test('tells why HTTP failed when neither answers', () =>
    withRegistry({}, async ({client, name, registry}) => {
      await registry.close();
      const error = await failureOf(client.getManifest(name, '1.0'));
      assert.equal(error.code, 'REGISTRY_UNREACHABLE');
      assert.match(error.message, /connection refused/);
    }));

  test('finds a registry that did not answer at first', () =>
    withRegistry({faults: [{on: 'manifest', times: 1, reset: true}]}, async ({client, name}) => {
      assert.deepEqual((await client.getManifest(name, '1.0')).bytes, IMAGE.manifest.bytes);
    }));

  test('refuses an encoded manifest, blob or tag list', () =>
    withRegistry({}, async ({client, name, registry, layer}) => {
      const headers = {'content-encoding': 'gzip'};
      registry.setFaults([
        {on: 'manifest', headers},
        {on: 'blob', headers},
        {on: 'tags', headers},
      ]);
      const calls = [
        () => client.getManifest(name, '1.0'),
        () => client.openBlob(name, layer),
        () => client.listTags(name),
      ];
      for (const call of calls) {
        const error = await failureOf(call());
        assert.equal(error.code, 'PROTOCOL_ERROR');
        assert.match(error.message, /content encoding gzip/);
      }
    }));
});
