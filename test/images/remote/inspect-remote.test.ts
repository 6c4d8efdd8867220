import * as assert from 'uvu/assert';
import {buildImage, describeDocument, jsonDocument} from '../../../fixtures/build-image.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {describe} from '../../helpers/suite.ts';
import {AMD64, ARM64, INDEX, withRemote} from './with-remote.ts';

const sizeOf = ({manifest, config, layers}: typeof AMD64): number =>
  [manifest, config, ...layers].reduce((sum, {bytes}) => sum + bytes.length, 0);

describe('images/remote: inspect', ({test}) => {
  test('describes the image for one platform and names the others', () =>
    withRemote({}, async ({registries, name, asked}) => {
      const image = await registries.inspect(`${name}:1.0`, {platform: 'linux/amd64'});
      assert.is(image.digest, INDEX.index.digest);
      assert.is(image.mediaType, INDEX.index.mediaType);
      assert.is(image.tags, null);
      assert.equal(image.platforms, [
        {
          platform: 'linux/amd64',
          digest: AMD64.manifest.digest,
          mediaType: AMD64.manifest.mediaType,
          totalBytes: sizeOf(AMD64),
        },
        {
          platform: 'linux/arm64/v8',
          digest: ARM64.manifest.digest,
          mediaType: ARM64.manifest.mediaType,
          totalBytes: null,
        },
      ]);
      const {layers, config, totalBytes: _, digest: __, mediaType: ___, ...rest} = image.images[0] ?? {};
      assert.equal(
        layers,
        AMD64.layers.map(({digest, mediaType, bytes}) => ({digest, mediaType, size: bytes.length})),
      );
      assert.is(config?.digest, AMD64.config.digest);
      assert.equal(rest, {
        artifactType: null,
        platform: 'linux/amd64',
        created: '2024-01-01T00:00:00Z',
        author: null,
        entrypoint: ['/bin/app'],
        command: ['serve'],
        environment: ['A=b'],
        labels: {'org.example.name': 'app'},
        workingDirectory: '/srv',
        user: '1000',
        exposedPorts: ['80/tcp'],
        volumes: ['/data'],
        annotations: {'org.example.note': 'amd64'},
      });
      assert.equal(asked(), ['GET manifest', 'GET manifest', 'GET blob']);
    }));

  test('describes every platform when asked to, and lists tags only then', () =>
    withRemote({}, async ({registries, name, asked}) => {
      const image = await registries.inspect(`${name}:1.0`, {allPlatforms: true, withTags: true});
      assert.equal(
        image.platforms.map(({platform, totalBytes}) => [platform, totalBytes]),
        [
          ['linux/amd64', sizeOf(AMD64)],
          ['linux/arm64/v8', sizeOf(ARM64)],
        ],
      );
      assert.equal(
        image.images.map(({layers}) => layers.length),
        [2, 1],
      );
      assert.equal(image.tags, ['1.0', 'amd64']);
      assert.is(asked().filter((request) => request === 'GET tags').length, 1);
    }));

  test('describes a lone manifest with the platform of its config', () =>
    withRemote({}, async ({registry, registries, name}) => {
      registry.put('team/app', 'arm', ARM64);
      for (const allPlatforms of [true, false]) {
        const image = await registries.inspect(`${name}:arm`, {allPlatforms});
        assert.equal(
          image.platforms.map(({platform, digest}) => [platform, digest]),
          [['linux/arm64/v8', ARM64.manifest.digest]],
        );
        assert.is(image.size, ARM64.manifest.bytes.length);
      }
    }));

  test('counts a layer that comes twice once', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const tar = Buffer.alloc(1024);
      const twice = buildImage({layers: [tar, tar]});
      registry.put('team/app', 'twice', twice);
      const [image] = (await registries.inspect(`${name}:twice`)).images;
      assert.is(image?.layers.length, 2);
      assert.is(image?.totalBytes, sizeOf(twice) - (twice.layers[0]?.bytes.length ?? 0));
    }));

  test('leaves out what builders file beside the images', () =>
    withRemote({}, async ({registry, registries, name}) => {
      const index = JSON.parse(INDEX.index.bytes.toString());
      const attestation = buildImage({layers: [Buffer.from('provenance')], config: {Labels: {is: 'attestation'}}});
      const entry = {...describeDocument(attestation.manifest), platform: {os: 'unknown', architecture: 'unknown'}};
      registry.put('team/app', null, attestation);
      const attested = {...index, manifests: [entry, ...index.manifests]};
      registry.put('team/app', 'attested', jsonDocument(INDEX.index.mediaType, attested));
      for (const allPlatforms of [true, false]) {
        const {platforms} = await registries.inspect(`${name}:attested`, {allPlatforms, platform: 'linux/amd64'});
        assert.equal(
          platforms.map(({platform}) => platform),
          ['linux/amd64', 'linux/arm64/v8'],
        );
      }
    }));

  test('describes an artifact without reading its config', () =>
    withRemote({}, async ({registry, registries, name, asked}) => {
      const chart = buildImage({layers: [Buffer.from('chart')], manifest: {artifactType: 'example/chart'}});
      const manifest = JSON.parse(chart.manifest.bytes.toString());
      manifest.config.mediaType = 'application/vnd.example.config+json';
      registry.put('team/app', 'chart', jsonDocument(chart.manifest.mediaType, manifest));
      const [image] = (await registries.inspect(`${name}:chart`)).images;
      assert.is(image?.artifactType, 'example/chart');
      assert.is(image?.platform, null);
      assert.equal(asked(), ['GET manifest']);
    }));

  test('names the platforms on offer for one that is missing', () =>
    withRemote({}, async ({registries, name}) => {
      const error = await rejectionOf(registries.inspect(`${name}:1.0`, {platform: 'windows/amd64'}));
      assert.is(error.code, 'PLATFORM_MISSING');
    }));
});

describe('images/remote: rate limit', ({test}) => {
  test('reads what the reply to a question without a body says', () =>
    withRemote({}, async ({registry, registries, name, asked}) => {
      const headers = {
        'ratelimit-limit': '100;w=21600',
        'ratelimit-remaining': '76;w=21600',
        'docker-ratelimit-source': '192.0.2.1',
      };
      registry.setFaults([{on: 'manifest', headers}]);
      assert.equal(await registries.rateLimit(`${name}:1.0`), {
        registry: registry.host,
        repository: 'team/app',
        rateLimit: {limit: 100, remaining: 76, windowSeconds: 21_600, source: '192.0.2.1'},
      });
      registry.setFaults([]);
      assert.is((await registries.rateLimit(`${name}:1.0`)).rateLimit, null);
      assert.equal(asked(), ['HEAD manifest', 'HEAD manifest']);
    }));
});
