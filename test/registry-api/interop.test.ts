import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildIndex} from '../../fixtures/build-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {startDockerRegistry} from '../helpers/docker-registry.ts';
import {findProgram} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {appTar, baseTar, imageOf} from '../images/sample-images.ts';
import {serveTestRegistry} from './serve-registry.ts';

const missing = (program: string) => (findProgram(program) === null ? `not installed: ${program}` : undefined);

describe('registry-api/interop', ({test}) => {
  const images = ['amd64', 'arm64'].map((architecture) =>
    imageOf([baseTar, appTar], {platform: {os: 'linux', architecture}, document: {author: architecture}}),
  );
  const index = buildIndex(images);

  test(
    'skopeo copies all platforms of an image, and lists tags',
    async () => {
      await using served = await serveTestRegistry();
      await using origin = await startRegistry();
      using directory = makeTemporaryDirectory();
      origin.put('app', '1', index);
      const source = `docker://${served.host}/${origin.host.replace(':', '_')}/app`;
      const target = `oci:${join(directory.path, 'layout')}:1`;
      const tags = await requireProgram('skopeo', ['list-tags', '--tls-verify=false', source]);
      assert.equal(JSON.parse(tags).Tags, ['1']);
      const words = ['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', `${source}:1`, target];
      await requireProgram('skopeo', words);
      assert.match(readFileSync(join(directory.path, 'layout', 'index.json'), 'utf8'), index.index.digest);
      assert.equal(served.bugs, []);
    },
    {skip: missing('skopeo')},
  );

  test(
    'a docker-registry that mirrors it gives what it gives',
    async () => {
      await using served = await serveTestRegistry();
      await using origin = await startRegistry();
      origin.put('app', '1', index);
      await using mirror = await startDockerRegistry({proxyOf: `http://${served.host}`});
      const name = `${origin.host.replace(':', '_')}/app`;
      const response = await fetch(`http://${mirror.host}/v2/${name}/manifests/1`, {
        headers: {accept: index.index.mediaType},
      });
      assert.is(response.headers.get('docker-content-digest'), index.index.digest);
      for (const {bytes, digest} of images.flatMap(({layers}) => layers)) {
        const blob = await fetch(`http://${mirror.host}/v2/${name}/blobs/${digest}`);
        assert.ok(Buffer.from(await blob.arrayBuffer()).equals(bytes));
      }
      assert.equal(served.bugs, []);
    },
    {skip: missing('docker-registry')},
  );
});
