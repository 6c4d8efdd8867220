import * as assert from 'node:assert/strict';
import {type BuiltDocument, describeDocument, jsonDocument} from '../../fixtures/build-image.ts';
import type {RegistryServer} from '../../fixtures/registry-server.ts';
import {OCI_INDEX, OCI_MANIFEST} from '../../src/oci/media-types.ts';
import {referrersTagOf} from '../../src/registry/referrers-tag.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, REPOSITORY, withRegistry} from './with-registry.ts';

const SUBJECT = IMAGE.manifest.digest;
const TAG = referrersTagOf(SUBJECT);
const SBOM = makeReferrer('application/spdx+json', 'sbom');
const SIGNATURE = makeReferrer('application/vnd.example.signature', 'signature');

describe('registry/referrers', ({test}) => {
  test('lists referrers by the API, over all pages', () =>
    withRegistry({referrersApi: true, referrersPerPage: 1}, async ({client, name, registry}) => {
      for (const referrer of [SBOM, SIGNATURE]) {
        assert.equal((await client.putManifest(name, referrer.digest, referrer)).subject, SUBJECT);
      }
      const listed = await client.referrers(name, SUBJECT);
      assert.deepEqual(listed, {source: 'api', referrers: [descriptorOf(SBOM), descriptorOf(SIGNATURE)]});
      assert.deepEqual(tagsAsked(registry), [], 'the tag is not touched');
    }));

  test('filters by type, whether the registry does it or not', async () => {
    for (const referrersFilter of [true, false]) {
      await withRegistry({referrersApi: true, referrersFilter}, async ({client, name, registry}) => {
        for (const referrer of [SBOM, SIGNATURE]) await client.putManifest(name, referrer.digest, referrer);
        const {referrers} = await client.referrers(name, SUBJECT, {artifactType: 'application/spdx+json'});
        assert.deepEqual(referrers, [descriptorOf(SBOM)]);
        assert.ok(registry.requests.at(-1)?.url.endsWith('?artifactType=application%2Fspdx%2Bjson'));
      });
    }
  });

  test('keeps the list under the tag where there is no API', () =>
    withRegistry({}, async ({client, name}) => {
      assert.deepEqual(await client.referrers(name, SUBJECT), {source: 'tag', referrers: []});
      for (const referrer of [SBOM, SIGNATURE, SBOM]) {
        assert.equal((await client.putManifest(name, referrer.digest, referrer)).subject, null);
      }
      const expected = {source: 'tag', referrers: [descriptorOf(SBOM), descriptorOf(SIGNATURE)]};
      assert.deepEqual(await client.referrers(name, SUBJECT), expected);
      const {referrers} = await client.referrers(name, SUBJECT, {artifactType: 'application/spdx+json'});
      assert.deepEqual(referrers, [descriptorOf(SBOM)]);
      assert.equal((await client.getManifest(name, TAG)).contentType, OCI_INDEX);
    }));

  test('takes a web page or an error for no API', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const page = {status: 200, headers: {'content-type': 'text/html'}, body: '<html>'};
      for (const fault of [page, {status: 405}, {status: 400}, {status: 501}]) {
        registry.setFaults([{on: 'referrers', ...fault}]);
        assert.equal((await client.referrers(name, SUBJECT)).source, 'tag');
      }
      registry.setFaults([{on: 'referrers', status: 403, body: '{}'}]);
      assert.equal((await failureOf(client.referrers(name, SUBJECT))).code, 'AUTH_DENIED');
    }));

  test('leaves what it does not know in the list', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const index = {schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], 'x-own': {a: 1}};
      registry.put(REPOSITORY, TAG, jsonDocument(OCI_INDEX, index));
      await client.putManifest(name, SBOM.digest, SBOM);
      const written = JSON.parse((await client.getManifest(name, TAG)).bytes.toString());
      assert.deepEqual(written, {...index, manifests: [descriptorOf(SBOM)]});
    }));

  test('loses none of many that are pushed at the same time', () =>
    withRegistry({}, async ({client, name}) => {
      const many = Array.from({length: 12}, (_, index) => makeReferrer('application/x', `number ${index}`));
      await Promise.all(many.map((referrer) => client.putManifest(name, referrer.digest, referrer)));
      const {referrers} = await client.referrers(name, SUBJECT);
      assert.deepEqual(referrers.map(({digest}) => digest).toSorted(), many.map(({digest}) => digest).toSorted());
    }));

  test('keeps what somebody else writes into the list in between', () =>
    withRegistry({}, async ({client, name, registry}) => {
      const other = jsonDocument(OCI_INDEX, {
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [descriptorOf(SIGNATURE)],
      });
      registry.put(REPOSITORY, null, SIGNATURE);
      let reads = 0;
      registry.onRequest((method, url) => {
        if (method !== 'GET' || !url.endsWith(TAG)) return;
        reads += 1;
        if (reads === 2) registry.put(REPOSITORY, TAG, other);
      });
      await client.putManifest(name, SBOM.digest, SBOM);
      const {referrers} = await client.referrers(name, SUBJECT);
      assert.deepEqual(referrers, [descriptorOf(SIGNATURE), descriptorOf(SBOM)]);
    }));

  test('does not write over something else under the tag', () =>
    withRegistry({}, async ({client, name, registry}) => {
      registry.put(REPOSITORY, TAG, IMAGE);
      const error = await failureOf(client.putManifest(name, SBOM.digest, SBOM));
      assert.equal(error.code, 'REFERRERS_UNWRITABLE');
      assert.equal((await client.headManifest(name, TAG))?.digest, IMAGE.manifest.digest);
      assert.ok(await client.headManifest(name, SBOM.digest), 'the manifest itself is stored');
    }));

  test('takes a referrer that is deleted from the list', () =>
    withRegistry({}, async ({client, name}) => {
      for (const referrer of [SBOM, SIGNATURE]) await client.putManifest(name, referrer.digest, referrer);
      await client.deleteManifest(name, SBOM.digest);
      assert.deepEqual((await client.referrers(name, SUBJECT)).referrers, [descriptorOf(SIGNATURE)]);
    }));

  test('follows a link to the same list only', () =>
    withRegistry({referrersApi: true}, async ({client, name, registry}) => {
      await client.putManifest(name, SBOM.digest, SBOM);
      const link = '<http://169.254.169.254/v2/evil/referrers/x?start=9>; rel="next"';
      registry.setFaults([{on: 'referrers', times: 1, headers: {link}}]);
      await client.referrers(name, SUBJECT);
      assert.equal(registry.requests.at(-1)?.url, `/v2/team/app/referrers/${SUBJECT}?start=9`);
    }));

  test('names the tag by the first 64 digits of any algorithm', () => {
    assert.equal(referrersTagOf(`sha512:${'ab'.repeat(64)}`), `sha512-${'ab'.repeat(32)}`);
  });
});

function makeReferrer(artifactType: string, note: string): BuiltDocument {
  return jsonDocument(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: describeDocument(IMAGE.config),
    layers: [],
    subject: describeDocument(IMAGE.manifest),
    annotations: {note},
  });
}

function descriptorOf(document: BuiltDocument) {
  const {artifactType, annotations} = JSON.parse(document.bytes.toString());
  return {...describeDocument(document), artifactType, annotations};
}

const tagsAsked = ({requests}: RegistryServer) => requests.filter(({url}) => url.endsWith(TAG)).map(({url}) => url);
