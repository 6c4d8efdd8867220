import * as assert from 'node:assert/strict';
import {buildIndex} from '../../fixtures/build-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {startDockerRegistry} from '../helpers/docker-registry.ts';
import {findProgram} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, IMAGE, layerOf, openTestClient, readAll} from './with-registry.ts';

const skip = findProgram('docker-registry') && findProgram('skopeo') ? undefined : 'needs docker-registry and skopeo';

const copy = (from: string, to: string): Promise<string> => {
  const options = [
    '--all',
    '--insecure-policy',
    '--preserve-digests',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
  ];
  return requireProgram('skopeo', ['copy', ...options, `docker://${from}`, `docker://${to}`]);
};

describe('registry/docker-registry', ({test}) => {
  test(
    'reads from the reference registry what another tool pushed there',
    async () => {
      await using real = await startDockerRegistry();
      const name = {registry: real.host, repository: 'team/app'};
      const layer = layerOf(IMAGE);
      await using source = await startRegistry();
      source.put('app', '1', buildIndex([IMAGE]));
      await copy(`${source.host}/app:1`, `${real.host}/team/app:1`);
      await using client = openTestClient();

      const index = await client.getManifest(name, '1');
      assert.equal(index.digest, buildIndex([IMAGE]).index.digest);
      assert.deepEqual(await client.headManifest(name, '1'), {
        digest: index.digest,
        contentType: index.contentType,
        size: index.bytes.length,
        rateLimit: null,
      });
      assert.deepEqual((await client.getManifest(name, IMAGE.manifest.digest)).bytes, IMAGE.manifest.bytes);
      assert.deepEqual(await readAll(await client.openBlob(name, layer)), IMAGE.layers[0]?.bytes);
      const rest = await readAll(await client.openBlob(name, layer, {offset: 1000}));
      assert.deepEqual(rest, IMAGE.layers[0]?.bytes.subarray(1000));
      assert.deepEqual(await client.listTags(name), ['1']);

      assert.equal((await failureOf(client.getManifest(name, '2'))).code, 'MANIFEST_UNKNOWN');
      assert.equal((await failureOf(client.listTags({...name, repository: 'none'}))).code, 'NAME_UNKNOWN');
      const absent = {...layer, digest: `sha256:${'0'.repeat(64)}`} as const;
      assert.equal((await failureOf(client.openBlob(name, absent))).code, 'BLOB_UNKNOWN');
    },
    {skip},
  );
});
