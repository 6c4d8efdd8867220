import * as assert from 'uvu/assert';
import {jsonDocument} from '../../../fixtures/build-image.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {AMD64, ARM64, INDEX, withRemote} from './with-remote.ts';

const bytesOf = ({bytes}: {readonly bytes: Uint8Array}) => Buffer.from(bytes).toString();

describe('images/remote: digest, manifest and config', ({test}) => {
  test('resolves a tag with one request and without a body', () =>
    withRemote({}, async ({registries, name, asked}) => {
      const {digest, bytes, mediaType} = INDEX.index;
      assert.equal(await registries.resolveDigest(`${name}:1.0`), {
        reference: `${name}:1.0`,
        repository: name,
        digest,
        mediaType,
        size: bytes.length,
      });
      assert.equal(asked(), ['HEAD manifest']);
    }));

  test('follows an index to the digest for a platform', () =>
    withRemote({}, async ({registries, name}) => {
      const resolve = async (platform: string) => (await registries.resolveDigest(`${name}:1.0`, {platform})).digest;
      assert.is(await resolve('linux/arm64'), ARM64.manifest.digest);
      assert.is(await resolve('linux/amd64'), AMD64.manifest.digest);
      assert.is((await rejectionOf(resolve('linux/s390x'))).code, 'PLATFORM_MISSING');
      assert.is((await rejectionOf(resolve('linux'))).code, 'PLATFORM_INVALID');
    }));

  test('asks for the document where the reply to HEAD says no digest', () =>
    withRemote({}, async ({registry, registries, name, asked}) => {
      registry.setFaults([{on: 'manifest', method: 'HEAD', headers: {'docker-content-digest': null}}]);
      assert.is((await registries.resolveDigest(`${name}:1.0`)).digest, INDEX.index.digest);
      assert.equal(asked(), ['HEAD manifest', 'GET manifest']);
    }));

  test('refuses another digest than the one asked for', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const lie = digestOf(Buffer.from('lie'));
      registry.setFaults([{on: 'manifest', method: 'HEAD', headers: {'docker-content-digest': lie}}]);
      const error = await rejectionOf(registries.resolveDigest(`${name}@${INDEX.index.digest}`));
      assert.is(error.code, 'DIGEST_MISMATCH');
    }));

  test('names tags that exist for one that does not', () =>
    withRemote({}, async ({registries, name}) => {
      for (const ask of [registries.resolveDigest, registries.getManifest, registries.getConfig]) {
        const error = await rejectionOf(ask(`${name}:1.1`));
        assert.is(error.code, 'MANIFEST_UNKNOWN');
        assert.match(JSON.stringify(error), '1.0');
      }
    }));

  test('gives documents byte for byte', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const odd = Buffer.from('{ "schemaVersion":2,\n\t"odd" : "\\u001b" }  \n');
      registry.put('team/app', 'odd', {bytes: odd, digest: digestOf(odd), mediaType: 'application/x-odd'});
      assert.equal(await registries.getManifest(`${name}:odd`), {
        reference: `${name}:odd`,
        digest: digestOf(odd),
        mediaType: 'application/x-odd',
        bytes: odd,
      });
      const found = await registries.getManifest(`${name}:1.0`, {platform: 'linux/arm64'});
      assert.is(bytesOf(found), ARM64.manifest.bytes.toString());
      assert.is(found.digest, ARM64.manifest.digest);
    }));

  test('refuses documents that are not those of their digest', () =>
    withRemote({}, async ({registry, registries, name}) => {
      registry.setFaults([{on: 'manifest', flipByteAt: 5}]);
      const error = await rejectionOf(registries.getManifest(`${name}@${AMD64.manifest.digest}`));
      assert.is(error.code, 'DIGEST_MISMATCH');
    }));

  test('gives the config of this platform or another, verified', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const config = await registries.getConfig(`${name}:1.0`, {platform: 'linux/arm64'});
      assert.is(bytesOf(config), ARM64.config.bytes.toString());
      assert.is(config.digest, ARM64.config.digest);
      assert.is(bytesOf(await registries.getConfig(`${name}:amd64`)), AMD64.config.bytes.toString());
      registry.setFaults([{on: 'blob', flipByteAt: 5}]);
      assert.is((await rejectionOf(registries.getConfig(`${name}:amd64`))).code, 'DIGEST_MISMATCH');
    }));

  test('stores a document under a tag or its digest, by the type that it says or shows', () =>
    withRemote({}, async ({registries, name}) => {
      const {manifests} = JSON.parse(INDEX.index.bytes.toString());
      const document = jsonDocument('', {schemaVersion: 2, manifests, annotations: {a: 'b'}});
      const stored = await registries.putManifest({reference: `${name}:new`, bytes: document.bytes});
      const mediaType = 'application/vnd.oci.image.index.v1+json';
      assert.equal(stored, {reference: `${name}:new`, digest: document.digest, mediaType});
      assert.is(bytesOf(await registries.getManifest(`${name}:new`)), document.bytes.toString());
      const {bytes, digest} = AMD64.manifest;
      assert.is((await registries.putManifest({reference: `${name}@${digest}`, bytes})).digest, digest);
      const typed = await registries.putManifest(
        {reference: `${name}:t`, bytes: Buffer.from('{}')},
        {mediaType: 'a/b'},
      );
      assert.is((await registries.getManifest(`${name}:t`)).mediaType, typed.mediaType);
    }));

  test('stores nothing that is too large, no JSON, of no type or under a digest that is not its own', () =>
    withRemote({}, async ({registries, name, asked}) => {
      const put = async (reference: string, bytes: Buffer) =>
        (await rejectionOf(registries.putManifest({reference, bytes}))).code;
      const large = Buffer.from(JSON.stringify({mediaType: 'a/b', padding: ' '.repeat(4 * 1024 * 1024)}));
      assert.is(await put(`${name}:x`, large), 'MANIFEST_TOO_LARGE');
      assert.is(await put(`${name}:x`, Buffer.from('no json')), 'MANIFEST_INVALID');
      assert.is(await put(`${name}:x`, Buffer.from('[]')), 'MANIFEST_INVALID');
      assert.is(await put(`${name}:x`, Buffer.from('{}')), 'MANIFEST_INVALID');
      assert.is(await put(`${name}@${ARM64.manifest.digest}`, AMD64.manifest.bytes), 'DIGEST_MISMATCH');
      assert.equal(asked(), []);
    }));

  test('deletes by digest whatever a tag leads to, and one tag alone when told so', () =>
    withRemote({}, async ({registry, registries, name}) => {
      registry.put('team/app', 'also', AMD64);
      assert.equal(await registries.deleteManifest(`${name}:also`, {tagOnly: true}), {
        reference: `${name}:also`,
        digest: null,
      });
      assert.equal((await registries.listTags(name)).tags, ['1.0', 'amd64']);
      assert.equal((await registries.deleteManifest(`${name}:amd64`)).digest, AMD64.manifest.digest);
      assert.equal((await registries.listTags(name)).tags, ['1.0']);
      assert.is((await rejectionOf(registries.deleteManifest(`${name}:amd64`))).code, 'MANIFEST_UNKNOWN');
    }));

  test('never deletes more than a registry can delete', () =>
    withRemote({deletes: 'digests'}, async ({registries, name}) => {
      const error = await rejectionOf(registries.deleteManifest(`${name}:1.0`, {tagOnly: true}));
      assert.is(error.code, 'DELETE_UNSUPPORTED');
      assert.equal((await registries.listTags(name)).tags, ['1.0', 'amd64']);
    }));
});
