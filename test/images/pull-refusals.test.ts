import {readdirSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {type BuiltDocument, buildIndex, describeDocument, jsonDocument} from '../../fixtures/build-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {exitCodeOf} from '../../src/cli/exit-codes.ts';
import {isWinchError} from '../../src/errors.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {runWinch} from '../cli/run-winch.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {appTar, baseTar, imageOf, otherTar} from './sample-images.ts';

const AMD64 = {platform: 'linux/amd64'};
const HEX = 'ab'.repeat(32);
const MANIFEST_LIMIT = 4 * 1024 * 1024;
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const HELM_CONFIG = 'application/vnd.cncf.helm.config.v1+json';
const EMPTY_CONFIG = 'application/vnd.oci.empty.v1+json';

const plain = imageOf([baseTar]);
const layer = describeDocument(plain.layers[0] ?? plain.config);
const config = describeDocument(plain.config);

interface Refusal {
  readonly row: string;
  readonly title: string;
  readonly code: string;
  put(registry: RegistryServer): void;
}

const document = (value: object, mediaType = OCI_MANIFEST): BuiltDocument =>
  jsonDocument(mediaType, {schemaVersion: 2, mediaType, ...value});

/** A manifest of the plain image, changed. */
const changed = (change: object) => (registry: RegistryServer) => {
  registry.put('app', null, plain);
  registry.put('app', '1', document({config, layers: [layer], ...change}));
};
const withLayer = (change: object) => changed({layers: [{...layer, ...change}]});
/** The plain image with another config. */
const configured =
  (source: {readonly config?: Record<string, unknown>; readonly document?: Record<string, unknown>}) =>
  (registry: RegistryServer) =>
    registry.put('app', '1', imageOf([baseTar], source));
const typed = (bytes: BuiltDocument, mediaType: string) => (registry: RegistryServer) =>
  registry.put('app', '1', {...bytes, mediaType});
const padded = (value: BuiltDocument): BuiltDocument => {
  const bytes = Buffer.from(value.bytes.toString().padEnd(MANIFEST_LIMIT + 1));
  return {...value, bytes, digest: digestOf(bytes)};
};

const REFUSALS: readonly Refusal[] = [
  {row: 'M01', title: 'layers beside manifests', code: 'MANIFEST_AMBIGUOUS', put: changed({manifests: []})},
  {
    row: 'M03',
    title: 'a manifest that is served as an index',
    code: 'MEDIA_TYPE_MISMATCH',
    put: typed(plain.manifest, OCI_INDEX),
  },
  {
    row: 'M03',
    title: 'an index that is served as a manifest',
    code: 'MEDIA_TYPE_MISMATCH',
    put: typed(buildIndex([plain]).index, DOCKER_MANIFEST),
  },
  {
    row: 'M04',
    title: 'a manifest of 4 MiB and a byte',
    code: 'MANIFEST_TOO_LARGE',
    put: (registry) => registry.put('app', '1', padded(plain.manifest)),
  },
  {
    row: 'M04',
    title: 'a manifest without a length and an end',
    code: 'MANIFEST_TOO_LARGE',
    put: (registry) => {
      registry.put('app', '1', plain);
      const body = Buffer.alloc(8 * MANIFEST_LIMIT, ' ');
      registry.setFaults([{on: 'manifest', body, headers: {'content-length': null}}]);
    },
  },
  {
    row: 'M04',
    title: 'a config of 4 MiB and a byte',
    code: 'CONFIG_TOO_LARGE',
    put: changed({config: {...config, size: MANIFEST_LIMIT + 1}}),
  },
  {
    row: 'M04',
    title: 'a config without a length and an end',
    code: 'SIZE_MISMATCH',
    put: (registry) => {
      registry.put('app', '1', plain);
      const body = Buffer.alloc(8 * MANIFEST_LIMIT, ' ');
      registry.setFaults([{on: 'blob', matching: config.digest, body, headers: {'content-length': null}}]);
    },
  },
  ...[-1, 1.5, '12', 2 ** 53].map((size) => ({
    row: 'M05',
    title: `a layer of the size ${JSON.stringify(size)}`,
    code: 'SIZE_INVALID',
    put: withLayer({size}),
  })),
  {row: 'M05', title: 'a layer longer than it says', code: 'SIZE_MISMATCH', put: withLayer({size: layer.size - 1})},
  {row: 'M05', title: 'a layer shorter than it says', code: 'SIZE_MISMATCH', put: withLayer({size: layer.size + 1})},
  ...['sha256:../../x', `sha256:${HEX.toUpperCase()}`, `sha256:${HEX.slice(1)}`, `md5:${HEX.slice(32)}`].map(
    (digest) => ({
      row: 'M06',
      title: `a layer with the digest ${digest.slice(0, 20)}`,
      code: 'DIGEST_INVALID',
      put: withLayer({digest}),
    }),
  ),
  {
    row: 'M06',
    title: 'a layer with another sha512',
    code: 'DIGEST_MISMATCH',
    put: (registry) => {
      const digest = digestOf(Buffer.from('other'), 'sha512');
      registry.putBlob('app', plain.layers[0]?.bytes ?? Buffer.alloc(0), digest);
      withLayer({digest})(registry);
    },
  },
  {
    row: 'M08',
    title: 'Docker schema 1',
    code: 'MANIFEST_UNSUPPORTED',
    put: (registry) =>
      registry.put('app', '1', jsonDocument(SCHEMA1, {schemaVersion: 1, name: 'app', fsLayers: [], history: []})),
  },
  {
    row: 'M08',
    title: 'a manifest of an unknown type',
    code: 'MANIFEST_UNSUPPORTED',
    put: (registry) => registry.put('app', '1', document({config, layers: []}, 'application/vnd.example+json')),
  },
  {
    row: 'M08',
    title: 'an encrypted layer',
    code: 'LAYER_ENCRYPTED',
    put: withLayer({mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted'}),
  },
  {
    row: 'U18',
    title: 'a layer that is a file system',
    code: 'LAYER_UNSUPPORTED',
    put: withLayer({mediaType: 'application/vnd.erofs.layer.v1'}),
  },
  {
    row: 'M08',
    title: 'a rootfs that is no stack of layers',
    code: 'CONFIG_INVALID',
    put: configured({document: {rootfs: {type: 'squashfs', diff_ids: plain.diffIds}}}),
  },
  {
    row: 'M08',
    title: 'a Helm chart',
    code: 'ARTIFACT_NOT_IMAGE',
    put: changed({config: {...config, mediaType: HELM_CONFIG}}),
  },
  {
    row: 'M08',
    title: 'an artifact without a config',
    code: 'ARTIFACT_NOT_IMAGE',
    put: changed({config: {...config, mediaType: EMPTY_CONFIG}, artifactType: 'application/vnd.example.sbom'}),
  },
  {row: 'M09', title: 'more layers than diff ids', code: 'MANIFEST_INVALID', put: changed({layers: [layer, layer]})},
  {row: 'M10', title: 'a command in one string', code: 'CONFIG_INVALID', put: configured({config: {Cmd: 'sh'}})},
  {row: 'M10', title: 'a variable without a value', code: 'CONFIG_INVALID', put: configured({config: {Env: ['A']}})},
  {row: 'M10', title: 'a NUL in a variable', code: 'CONFIG_INVALID', put: configured({config: {Env: ['A=b\0c']}})},
];

describe('images/pull refuses', ({test}) => {
  for (const {row, title, code, put} of REFUSALS) {
    test(`${row} ${title}`, async () => {
      await using registry = await startRegistry();
      await using store = await openTestStore();
      put(registry);
      const error: unknown = await store.toolkit.images.pull(`${registry.host}/app:1`, AMD64).then(
        () => null,
        (reason: unknown) => reason,
      );
      assert.is(isWinchError(error) ? error.code : error, code);
      assert.is(exitCodeOf(error), 3);
      assert.ok(isWinchError(error) && error.hint, 'it says what to do');
      assert.equal(await store.toolkit.images.list(), []);
      const sent = registry.requests.reduce((sum, {bytes}) => sum + bytes, 0);
      assert.ok(sent <= 2 * MANIFEST_LIMIT + 1024 * 1024, `${sent} bytes were sent`);
    });
  }

  test('M08 an artifact by its type, saying how it is had', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    changed({config: {...config, mediaType: HELM_CONFIG}})(registry);
    for (const options of [AMD64, {...AMD64, downloadOnly: true}]) {
      const error: unknown = await store.toolkit.images
        .pull(`${registry.host}/app:1`, options)
        .catch((e: unknown) => e);
      assert.ok(isWinchError(error, 'ARTIFACT_NOT_IMAGE'));
      assert.match(error.message, /application\/vnd\.cncf\.helm\.config/);
      assert.match(error.hint ?? '', /winch copy .* oci:DIR/);
    }
    assert.equal(
      registry.requests.filter(({class: kind}) => kind === 'blob'),
      [],
    );
  });

  test('M14 a digest that another repository has, and a tag of control characters without printing them', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    registry.put('a', '1', plain);
    registry.put('b', '1', imageOf([otherTar]));
    await store.toolkit.images.pull(`${registry.host}/a:1`, AMD64);
    const elsewhere = `${registry.host}/b@${plain.manifest.digest}`;
    for (const policy of ['always', 'missing', 'never'] as const) {
      const error: unknown = await store.toolkit.images.pull(elsewhere, {...AMD64, policy}).catch((e: unknown) => e);
      assert.ok(isWinchError(error, policy === 'never' ? 'IMAGE_UNKNOWN' : 'MANIFEST_UNKNOWN'), policy);
    }
    for (const reference of ['x:a\r\x1b[2K', 'x:\x1b]52;c;AAAA\x07', HEX]) {
      const {code, stdout, stderr} = await runWinch(['pull', reference], {
        images: {
          pullEach: async function* (references) {
            for (const text of references) {
              const error: unknown = await store.toolkit.images.pull(text).catch((e: unknown) => e);
              yield {reference: text, error};
            }
          },
        },
      });
      assert.is(code, 2);
      assert.not.match(stdout + stderr, /[\x00-\x09\x0b-\x1f]/);
    }
  });
});

describe('images/pull takes', ({test}) => {
  test('M06 a layer and an image by sha512', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const bytes = plain.layers[0]?.bytes ?? Buffer.alloc(0);
    const digest = digestOf(bytes, 'sha512');
    registry.putBlob('app', bytes, digest);
    withLayer({digest})(registry);
    await store.toolkit.images.pull(`${registry.host}/app:1`, AMD64);
    assert.equal(readdirSync(`${store.root}/blobs/sha512`), [digest.slice('sha512:'.length)]);
    const details = await store.toolkit.images.inspect(`${registry.host}/app:1`);
    assert.is(details.layers[0]?.digest, digest);
  });

  test('M10 what a config may hold, to the byte: line ends, junk ports and signals, 100 000 variables', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const Env = ['A=one\ntwo', ...Array.from({length: 100_000}, (_, at) => `V${at}=`)];
    const wanted = {Env, StopSignal: 'SIGFOO', ExposedPorts: {'nonsense/xyz': {}, '': {}}};
    configured({config: wanted})(registry);
    await store.toolkit.images.pull(`${registry.host}/app:1`, AMD64);
    const {config: stored} = await store.toolkit.images.inspect(`${registry.host}/app:1`);
    assert.equal((stored as {config: unknown}).config, wanted);
  });

  test('R15 what a tag names when it is fetched, though its HEAD told something else', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const reference = `${registry.host}/app:1`;
    const [second, third] = [imageOf([appTar]), imageOf([otherTar])];
    registry.put('app', '1', plain);
    await store.toolkit.images.pull(reference, AMD64);
    registry.put('app', '1', third);
    registry.setFaults([{on: 'manifest', times: 1, headers: {'docker-content-digest': second.manifest.digest}}]);
    const pulled = await store.toolkit.images.pull(reference, AMD64);
    assert.equal([pulled.digest, pulled.imageId], [third.manifest.digest, third.config.digest]);
    const {layers} = await store.toolkit.images.inspect(reference);
    assert.equal(
      layers.map(({digest}) => digest),
      third.layers.map(({digest}) => digest),
    );
  });

  test('R15 the images of the index that was fetched, though its tag moves meanwhile', async () => {
    await using registry = await startRegistry();
    await using store = await openTestStore();
    const before = buildIndex([plain]);
    registry.put('app', '1', before);
    registry.setFaults([{on: 'manifest', matching: 'manifests/1', slow: {bytes: 50, pauseMs: 10}}]);
    const pulling = store.toolkit.images.pull(`${registry.host}/app:1`, AMD64);
    await waitFor(() => registry.requests.some(({url, status}) => url.endsWith('/manifests/1') && status === 200));
    registry.put('app', '1', buildIndex([imageOf([otherTar])]));
    const {digest, manifestDigest} = await pulling;
    assert.equal([digest, manifestDigest], [before.index.digest, plain.manifest.digest]);
  });
});
