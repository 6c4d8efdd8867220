import * as assert from 'node:assert/strict';
import {buildIndex, jsonDocument} from '../../fixtures/build-image.ts';
import {RAW_MANIFEST_ACCEPT} from '../../src/oci/media-types.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, REPOSITORY, withRegistry} from './with-registry.ts';

const INDEX = buildIndex([IMAGE]).index;

describe('registry/manifests-write', ({test}) => {
  test('stores a manifest under a tag and under its digest', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const pushed = await client.putManifest(name, '2.0', INDEX);
      assert.deepEqual(pushed, {digest: INDEX.digest, subject: null});
      assert.ok((await client.getManifest(name, '2.0')).bytes.equals(INDEX.bytes));
      assert.equal((await client.putManifest(name, INDEX.digest, INDEX)).digest, INDEX.digest);
      const put = registry.requests.find(({method}) => method === 'PUT');
      assert.equal(put?.headers['content-type'], INDEX.mediaType);
      assert.equal(put?.receivedBytes, INDEX.bytes.length);
    }));

  test('keeps a document of any type as it is', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const artifact = jsonDocument('application/vnd.oci.artifact.manifest.v1+json', {artifactType: 'a/b', blobs: []});
      await client.putManifest(name, 'artifact', artifact);
      const raw = await client.getManifest(name, 'artifact', {accept: RAW_MANIFEST_ACCEPT});
      assert.deepEqual([raw.bytes, raw.contentType], [artifact.bytes, artifact.mediaType]);
      assert.ok(registry.requests.at(-1)?.headers.accept?.includes(artifact.mediaType));
    }));

  test('sends nothing that is too large or not what its digest says', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const large = {bytes: Buffer.alloc(4_194_305, ' '), mediaType: INDEX.mediaType};
      assert.equal((await failureOf(client.putManifest(name, 'x', large))).code, 'MANIFEST_TOO_LARGE');
      assert.equal((await failureOf(client.putManifest(name, IMAGE.config.digest, INDEX))).code, 'DIGEST_MISMATCH');
      assert.deepEqual(registry.requests, []);
    }));

  test('refuses a registry that received something else', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.setFaults([{on: 'manifest', headers: {'docker-content-digest': IMAGE.config.digest}}]);
      const error = await failureOf(client.putManifest(name, 'x', INDEX));
      assert.equal(error.code, 'DIGEST_MISMATCH');
      assert.equal(error.kind, 'refused');
    }));

  test('tells what the registry has against a manifest', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const other = {...name, repository: 'empty/app'};
      assert.equal((await failureOf(client.putManifest(other, 'x', IMAGE.manifest))).code, 'MANIFEST_BLOB_UNKNOWN');
      const body = '{"errors":[{"code":"MANIFEST_INVALID","message":"no such type"}]}';
      registry.setFaults([{on: 'manifest', status: 400, body}]);
      const error = await failureOf(client.putManifest(name, 'x', INDEX));
      assert.equal(error.code, 'MANIFEST_REFUSED');
      assert.ok(error.message.endsWith('no such type'), error.message);
      registry.setFaults([{on: 'manifest', status: 403, body: '{}'}]);
      const denied = await failureOf(client.putManifest(name, 'x', INDEX));
      assert.deepEqual([denied.code, denied.hint?.includes('write')], ['AUTH_DENIED', true]);
    }));

  test('deletes one tag and leaves the manifest to the others', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.put(REPOSITORY, '1', IMAGE);
      await client.deleteManifest(name, '1');
      assert.deepEqual(await client.listTags(name), ['1.0']);
      assert.ok(await client.headManifest(name, IMAGE.manifest.digest));
    }));

  test('deletes a manifest with all its tags', () =>
    withRegistry({}, async ({client, name}) => {
      await client.deleteManifest(name, IMAGE.manifest.digest);
      assert.deepEqual(await client.listTags(name), []);
      assert.equal(await client.headManifest(name, IMAGE.manifest.digest), null);
      assert.equal((await failureOf(client.deleteManifest(name, IMAGE.manifest.digest))).code, 'MANIFEST_UNKNOWN');
      const nowhere = {...name, repository: 'none'};
      assert.equal((await failureOf(client.deleteManifest(nowhere, IMAGE.manifest.digest))).code, 'NAME_UNKNOWN');
    }));

  test('never deletes a manifest where the registry deletes no tags', () =>
    withRegistry({deletes: 'digests'}, async ({client, name, registry}) => {
      const error = await failureOf(client.deleteManifest(name, '1.0'));
      assert.equal(error.code, 'DELETE_UNSUPPORTED');
      assert.ok(error.message.endsWith('does not delete a tag alone'), error.message);
      assert.deepEqual(
        registry.requests.filter(({method}) => method === 'DELETE').map(({url}) => url),
        ['/v2/team/app/manifests/1.0'],
      );
      registry.setFaults([{on: 'manifest', method: 'DELETE', status: 400, body: '{}'}]);
      assert.equal((await failureOf(client.deleteManifest(name, '1.0'))).code, 'DELETE_UNSUPPORTED');
      assert.equal((await failureOf(client.deleteManifest(name, IMAGE.manifest.digest))).code, 'REGISTRY_ERROR');
    }));

  test('says so where nothing can be deleted', () =>
    withRegistry({deletes: 'nothing'}, async ({client, name, layer}) => {
      const error = await failureOf(client.deleteManifest(name, IMAGE.manifest.digest));
      assert.deepEqual([error.code, error.message.endsWith('does not delete manifests')], ['DELETE_UNSUPPORTED', true]);
      assert.equal((await failureOf(client.deleteBlob(name, layer.digest))).code, 'DELETE_UNSUPPORTED');
    }));

  test('looks for a blob and deletes it', () =>
    withRegistry({}, async ({client, name, layer}) => {
      assert.deepEqual(await client.headBlob(name, layer.digest), {size: layer.size});
      await client.deleteBlob(name, layer.digest);
      assert.equal(await client.headBlob(name, layer.digest), null);
      assert.equal((await failureOf(client.deleteBlob(name, layer.digest))).code, 'BLOB_UNKNOWN');
    }));

  test('asks for a token that allows to delete', () =>
    withRegistry(
      {
        challenge: 'bearer',
        users: {tester: 'secret'},
        clientOptions: {credentials: async () => ({username: 'tester', password: 'secret'})},
      },
      async ({client, name}) => {
        await client.deleteManifest(name, IMAGE.manifest.digest);
        await client.putManifest(name, '3', {...jsonDocument('a/b', {})});
      },
    ));
});
