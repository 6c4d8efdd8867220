import * as assert from 'node:assert/strict';
import {buildIndex, jsonDocument} from '../../fixtures/build-image.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, REPOSITORY, withRegistry} from './with-registry.ts';

const LIMIT_BYTES = 4_194_304;

describe('registry/manifests', ({test}) => {
  test('gets a manifest by tag with its bytes, type and digest', () =>
    withRegistry({}, async ({client, name}) => {
      const {bytes, contentType, digest} = await client.getManifest(name, '1.0');
      assert.deepEqual(bytes, IMAGE.manifest.bytes);
      assert.equal(contentType, IMAGE.manifest.mediaType);
      assert.equal(digest, IMAGE.manifest.digest);
    }));

  test('gets an index, and by digest a manifest that no tag names', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const index = buildIndex([IMAGE]);
      registry.put('other', 'all', index);
      const other = {...name, repository: 'other'};
      assert.equal((await client.getManifest(other, 'all')).digest, index.index.digest);
      assert.deepEqual((await client.getManifest(other, IMAGE.manifest.digest)).bytes, IMAGE.manifest.bytes);
    }));

  test('computes a sha512 digest when it is asked for by one', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const digest = digestOf(IMAGE.manifest.bytes, 'sha512');
      registry.put(REPOSITORY, null, {...IMAGE.manifest, digest});
      assert.equal((await client.getManifest(name, digest)).digest, digest);
    }));

  test('asks for every manifest type, plainly, with its own user agent', () =>
    withRegistry({}, async ({client, name, registry}) => {
      await client.getManifest(name, '1.0');
      const {headers} = registry.requests.at(-1) ?? {};
      assert.match(headers?.accept ?? '', /oci\.image\.index.*oci\.image\.manifest.*manifest\.list.*manifest\.v2/);
      assert.equal(headers?.['accept-encoding'], 'identity');
      assert.equal(headers?.['user-agent'], 'winch/test');
      assert.equal(headers?.authorization, undefined);
    }));

  test('drops the parameters of the content type', () => {
    const faults = [{on: 'manifest', headers: {'content-type': 'application/json; charset=utf-8'}}] as const;
    return withRegistry({faults}, async ({client, name}) => {
      assert.equal((await client.getManifest(name, '1.0')).contentType, 'application/json');
    });
  });

  test('refuses bytes that do not have the digest they were asked for by', () =>
    withRegistry({faults: [{on: 'manifest', flipByteAt: 9}]}, async ({client, name}) => {
      const error = await failureOf(client.getManifest(name, IMAGE.manifest.digest));
      assert.equal(error.code, 'DIGEST_MISMATCH');
      assert.equal(error.kind, 'refused');
      assert.match(error.message, /team\/app/);
    }));

  test('does not believe the digest header', () => {
    const faults = [{on: 'manifest', headers: {'docker-content-digest': digestOf(Buffer.from('lie'))}}] as const;
    return withRegistry({faults}, async ({client, name}) => {
      assert.equal((await client.getManifest(name, '1.0')).digest, IMAGE.manifest.digest);
    });
  });

  test('passes garbage on for the parser to refuse, with its own digest', () =>
    withRegistry({faults: [{on: 'manifest', body: '<html>'}]}, async ({client, name}) => {
      const {bytes, digest} = await client.getManifest(name, '1.0');
      assert.equal(digest, digestOf(bytes));
    }));

  test('takes 4 MiB and refuses one byte more, announced or not', () =>
    withRegistry({}, async ({client, name, registry}) => {
      for (const [size, tag] of [
        [LIMIT_BYTES, 'full'],
        [LIMIT_BYTES + 1, 'over'],
      ] as const) {
        const bytes = Buffer.alloc(size, ' ');
        registry.put(REPOSITORY, tag, {...jsonDocument(IMAGE.manifest.mediaType, {}), bytes, digest: digestOf(bytes)});
      }
      assert.equal((await client.getManifest(name, 'full')).bytes.length, LIMIT_BYTES);
      assert.equal((await failureOf(client.getManifest(name, 'over'))).code, 'MANIFEST_TOO_LARGE');
      registry.setFaults([{on: 'manifest', headers: {'content-length': null}}]);
      const error = await failureOf(client.getManifest(name, 'over'));
      assert.equal(error.code, 'MANIFEST_TOO_LARGE');
      assert.equal(error.kind, 'refused');
    }));

  test('names a tag, a digest or a repository that does not exist', () =>
    withRegistry({}, async ({client, name}) => {
      const tag = await failureOf(client.getManifest(name, '9.9'));
      assert.equal(tag.code, 'MANIFEST_UNKNOWN');
      assert.equal(tag.kind, 'not-found');
      assert.match(tag.message, /team\/app has no tag 9\.9$/);
      const digest = await failureOf(client.getManifest(name, digestOf(Buffer.from('x'))));
      assert.match(digest.message, /has no manifest sha256:/);
      const repository = await failureOf(client.getManifest({...name, repository: 'team/none'}, '1.0'));
      assert.equal(repository.code, 'NAME_UNKNOWN');
      assert.match(repository.message, /has no repository team\/none$/);
    }));

  test('says that a manifest was cut short', () =>
    withRegistry({faults: [{on: 'manifest', truncateAt: 20}]}, async ({client, name}) => {
      const error = await failureOf(client.getManifest(name, '1.0'));
      assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
      assert.match(error.message, /ended the connection/);
    }));

  test('tells of a manifest without fetching it, and null for none', () =>
    withRegistry({}, async ({client, name, registry}) => {
      assert.deepEqual(await client.headManifest(name, '1.0'), {
        digest: IMAGE.manifest.digest,
        contentType: IMAGE.manifest.mediaType,
        size: IMAGE.manifest.bytes.length,
        rateLimit: null,
      });
      assert.equal(await client.headManifest(name, '9.9'), null);
      registry.setFaults([{on: 'manifest', headers: {'docker-content-digest': 'sha256:../../x'}}]);
      assert.equal((await client.headManifest(name, '1.0'))?.digest, null);
    }));
});
