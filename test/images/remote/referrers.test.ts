import * as assert from 'uvu/assert';
import {jsonDocument} from '../../../fixtures/build-image.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {AMD64, buildReferrer, INDEX, withRemote} from './with-remote.ts';

const SIGNATURE = buildReferrer(INDEX.index, 'example/signature', {by: 'somebody'});
const SBOM = buildReferrer(INDEX.index, 'example/sbom');
const SBOM_SIGNATURE = buildReferrer(SBOM, 'example/signature');
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

describe('images/remote: referrers', ({test}) => {
  test('lists what refers to an image, by the API', () =>
    withRemote({referrersApi: true}, async ({registry, registries, name}) => {
      for (const document of [SIGNATURE, SBOM, SBOM_SIGNATURE]) registry.put('team/app', null, document);
      const list = await registries.listReferrers(`${name}:1.0`);
      assert.is(list.subject, INDEX.index.digest);
      assert.is(list.source, 'api');
      assert.equal(list.referrers[0], {
        digest: SIGNATURE.digest,
        mediaType: SIGNATURE.mediaType,
        size: SIGNATURE.bytes.length,
        artifactType: 'example/signature',
        annotations: {by: 'somebody'},
        referrers: null,
      });
      assert.equal(
        list.referrers.map(({digest}) => digest),
        [SIGNATURE.digest, SBOM.digest],
      );
      const some = await registries.listReferrers(`${name}:1.0`, {artifactType: 'example/sbom'});
      assert.equal(
        some.referrers.map(({digest}) => digest),
        [SBOM.digest],
      );
      assert.equal((await registries.listReferrers(`${name}:1.0`, {platform: 'linux/arm64'})).referrers, []);
    }));

  test('asks only for the list when the digest is known', () =>
    withRemote({referrersApi: true}, async ({registries, name, asked}) => {
      await registries.listReferrers(`${name}@${INDEX.index.digest}`);
      assert.equal(asked(), ['GET referrers']);
    }));

  test('finds the referrers of referrers', () =>
    withRemote({referrersApi: true}, async ({registry, registries, name}) => {
      for (const document of [SIGNATURE, SBOM, SBOM_SIGNATURE]) registry.put('team/app', null, document);
      const {referrers} = await registries.listReferrers(`${name}:1.0`, {isDeep: true});
      assert.equal(
        referrers.map(({digest, referrers: below}) => [digest, below?.map((node) => [node.digest, node.referrers])]),
        [
          [SIGNATURE.digest, []],
          [SBOM.digest, [[SBOM_SIGNATURE.digest, []]]],
        ],
      );
    }));

  test('reads the index under the tag of the subject where there is no API, and follows no circle in it', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const digest = digestOf(Buffer.from('x'));
      const circle = (other: string) =>
        jsonDocument(OCI_INDEX, {
          schemaVersion: 2,
          mediaType: OCI_INDEX,
          manifests: [{mediaType: AMD64.manifest.mediaType, digest: other, size: 1, artifactType: 'a/b'}],
        });
      const tagOf = (subject: string) => subject.replace(':', '-');
      registry.put('team/app', tagOf(INDEX.index.digest), circle(digest));
      registry.put('team/app', tagOf(digest), circle(digest));
      const list = await registries.listReferrers(`${name}:1.0`, {isDeep: true});
      assert.is(list.source, 'tag');
      assert.is(list.referrers[0]?.referrers?.[0]?.digest, digest);
      assert.equal(list.referrers[0]?.referrers?.[0]?.referrers, []);
    }));

  test('reads ten thousand referrers and draws no tree of them', () =>
    withRemote({referrersApi: true, referrersPerPage: 5000}, async ({registry, registries, name}) => {
      for (let at = 0; at < 10_001; at++) registry.put('team/app', null, buildReferrer(INDEX.index, `example/${at}`));
      assert.is((await registries.listReferrers(`${name}:1.0`)).referrers.length, 10_000);
      const deep = registries.listReferrers(`${name}:1.0`, {isDeep: true});
      assert.is((await rejectionOf(deep)).code, 'LIMIT_REFERRERS');
    }));
});
