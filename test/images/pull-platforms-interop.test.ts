import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildImage, buildIndex} from '../../fixtures/build-image.ts';
import {startDockerRegistry} from '../helpers/docker-registry.ts';
import {writeImageLayout} from '../helpers/image-layout.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {findProgram} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const skip = findProgram('docker-registry') && findProgram('skopeo') ? undefined : 'needs docker-registry and skopeo';

const blobsOf = (directory: string): readonly string[] => readdirSync(join(directory, 'blobs/sha256')).toSorted();

describe('images/pull all platforms from docker-registry', ({test}) => {
  test(
    'stores the bytes that skopeo copies of an index with an attestation, and gives each platform back',
    async () => {
      await using registry = await startDockerRegistry();
      await using store = await openTestStore();
      using directory = makeTemporaryDirectory();
      const arm = imageOf([baseTar, otherTar], {platform: {os: 'linux', architecture: 'arm', variant: 'v6'}});
      const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}');
      const unknown = {os: 'unknown', architecture: 'unknown'};
      const provenance = buildImage({layers: [statement], compression: 'none', platform: unknown});
      const index = buildIndex([imageOf([baseTar, appTar]), arm, provenance]);
      const [made, copied] = ['made', 'copied'].map((name) => join(directory.path, name));
      if (!made || !copied) throw new Error('two names were given');
      writeImageLayout(made, {app: index});
      const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
      const copy = (from: string, to: string) =>
        requireProgram('skopeo', ['copy', '--all', '--preserve-digests', ...insecure, from, to]);
      await copy(`oci:${made}:app`, `docker://${registry.host}/app:1`);
      await copy(`docker://${registry.host}/app:1`, `oci:${copied}:app`);
      const reference = `${registry.host}/app:1`;
      const {digest} = await store.toolkit.images.pull(reference, {platform: 'linux/amd64', allPlatforms: true});
      assert.is(digest, index.index.digest);
      assert.equal(blobsOf(store.root), blobsOf(copied));
      const offline = {platform: 'linux/arm/v7', policy: 'never'} as const;
      assert.is((await store.toolkit.images.pull(reference, offline)).manifestDigest, arm.manifest.digest);
      const rest = await store.toolkit.images.remove([reference]);
      assert.is(rest.deleted.length, 2);
      assert.equal(blobsOf(store.root), []);
    },
    {skip},
  );
});
