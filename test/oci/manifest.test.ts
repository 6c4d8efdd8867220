import * as assert from 'uvu/assert';

import {isWinchError} from '../../src/errors.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {MANIFEST_LIMIT_BYTES, type ManifestDocumentOptions, parseManifestDocument} from '../../src/oci/manifest.ts';
import {
  DOCKER_CONFIG,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_MANIFEST_V1_SIGNED,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
} from '../../src/oci/media-types.ts';
import {describe} from '../helpers/suite.ts';

const descriptor = (mediaType: string, content: string) => ({
  mediaType,
  digest: digestOf(Buffer.from(content)),
  size: content.length,
});
const config = descriptor(OCI_CONFIG, 'config');
const layer = descriptor(OCI_LAYER_GZIP, 'layer');
const manifest = {schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer]};
const index = {schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptor(OCI_MANIFEST, 'manifest')]};

type Claims = Omit<ManifestDocumentOptions, 'where'>;

const bytesOf = (document: unknown): Uint8Array =>
  Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
const parse = (document: unknown, claims: Claims = {}) =>
  parseManifestDocument(bytesOf(document), {...claims, where: 'manifest of x:1'});

const refused: readonly (readonly [title: string, document: unknown, code: string, claims?: Claims])[] = [
  ['a manifest that is an index as well', {...manifest, manifests: index.manifests}, 'MANIFEST_AMBIGUOUS'],
  ['an index that is a manifest as well', {...index, config}, 'MANIFEST_AMBIGUOUS'],
  ['an index with layers', {...index, layers: []}, 'MANIFEST_AMBIGUOUS'],
  ['an index with a null for layers', {...index, layers: null}, 'MANIFEST_AMBIGUOUS'],
  ['an untyped document of two kinds', {...index, mediaType: undefined, layers: [layer]}, 'MANIFEST_AMBIGUOUS'],
  ['a manifest with layers of schema 1', {...manifest, fsLayers: []}, 'MANIFEST_AMBIGUOUS'],
  ['a manifest with the history of schema 1', {...manifest, history: []}, 'MANIFEST_AMBIGUOUS'],
  ['layers in another case', {...manifest, Layers: []}, 'MANIFEST_AMBIGUOUS'],
  ['a media type in another case', {...manifest, mediatype: OCI_INDEX}, 'MANIFEST_AMBIGUOUS'],
  ['layers twice', `{"schemaVersion":2,"layers":[],"layers":[],"config":{}}`, 'MANIFEST_AMBIGUOUS'],
  ['a digest twice in a descriptor', '{"schemaVersion":2,"config":{"size":1,"size":2}}', 'MANIFEST_AMBIGUOUS'],

  ['an index served as a manifest', index, 'MEDIA_TYPE_MISMATCH', {contentType: OCI_MANIFEST}],
  ['a manifest served as an index', manifest, 'MEDIA_TYPE_MISMATCH', {contentType: OCI_INDEX}],
  ['an OCI manifest served as a Docker one', manifest, 'MEDIA_TYPE_MISMATCH', {contentType: DOCKER_MANIFEST}],
  ['another type than its index says', manifest, 'MEDIA_TYPE_MISMATCH', {descriptor: {mediaType: OCI_INDEX}}],
  [
    'a header that contradicts the index where the body is silent',
    {...manifest, mediaType: undefined},
    'MEDIA_TYPE_MISMATCH',
    {contentType: OCI_MANIFEST, descriptor: {mediaType: DOCKER_MANIFEST}},
  ],
  [
    'an untyped index served as a manifest',
    {schemaVersion: 2, manifests: []},
    'MANIFEST_AMBIGUOUS',
    {contentType: OCI_MANIFEST},
  ],

  ['Docker schema 1', {schemaVersion: 1, name: 'x', tag: '1', fsLayers: [], history: []}, 'MANIFEST_UNSUPPORTED'],
  [
    'Docker schema 1 by its header',
    {schemaVersion: 1},
    'MANIFEST_UNSUPPORTED',
    {contentType: DOCKER_MANIFEST_V1_SIGNED},
  ],
  ['an unknown media type', {...manifest, mediaType: 'application/vnd.example+json'}, 'MANIFEST_UNSUPPORTED'],
  [
    'an unknown type in the header',
    {schemaVersion: 2},
    'MANIFEST_UNSUPPORTED',
    {contentType: 'text/html; charset=utf-8'},
  ],

  ['no JSON', '<html>', 'MANIFEST_INVALID'],
  ['a list', [], 'MANIFEST_INVALID'],
  ['null', 'null', 'MANIFEST_INVALID'],
  ['an empty object', {}, 'MANIFEST_INVALID'],
  ['an error body', {errors: [{code: 'DENIED'}]}, 'MANIFEST_INVALID'],
  ['a number as a media type', {...manifest, mediaType: 7}, 'MANIFEST_INVALID'],
  ['another schema version', {...manifest, schemaVersion: 3}, 'MANIFEST_INVALID'],
  ['no schema version', {...manifest, schemaVersion: undefined}, 'MANIFEST_INVALID'],
  ['no config', {...manifest, config: undefined}, 'MANIFEST_INVALID'],
  ['no layers', {...manifest, layers: undefined}, 'MANIFEST_INVALID'],
  ['an object as layers', {...manifest, layers: {0: layer, length: 1}}, 'MANIFEST_INVALID'],
  ['an index without manifests', {...index, manifests: undefined}, 'MANIFEST_INVALID'],
  ['annotations that are no strings', {...manifest, annotations: {a: {}}}, 'MANIFEST_INVALID'],
  ['a subject without a digest', {...manifest, subject: {mediaType: OCI_MANIFEST, size: 1}}, 'DIGEST_INVALID'],
  ['a negative layer size', {...manifest, layers: [{...layer, size: -1}]}, 'SIZE_INVALID'],
  ['a path as a layer digest', {...manifest, layers: [{...layer, digest: 'sha256:../../x'}]}, 'DIGEST_INVALID'],

  ['501 layers', {...manifest, layers: Array(501).fill(layer)}, 'LIMIT_LAYERS'],
  ['10 001 manifests', {...index, manifests: Array(10_001).fill(layer)}, 'LIMIT_INDEX_ENTRIES'],
  ['4 MiB and a byte', JSON.stringify(manifest).padEnd(MANIFEST_LIMIT_BYTES + 1), 'MANIFEST_TOO_LARGE'],

  ['a byte too many', manifest, 'SIZE_MISMATCH', {descriptor: {size: bytesOf(manifest).length - 1}}],
  ['another digest', manifest, 'DIGEST_MISMATCH', {descriptor: {digest: digestOf(Buffer.from('other'))}}],
  ['another sha512', manifest, 'DIGEST_MISMATCH', {descriptor: {digest: digestOf(Buffer.from('other'), 'sha512')}}],
  ['forged bytes before it reads them', '{"a":', 'DIGEST_MISMATCH', {descriptor: {digest: layer.digest}}],
];

describe('oci/manifest', ({test}) => {
  for (const [title, document, code, claims] of refused) {
    test(`refuses ${title}`, () => {
      assert.throws(
        () => parse(document, claims),
        (error: unknown) =>
          isWinchError(error, code) &&
          error.kind === 'refused' &&
          error.message.startsWith('manifest of x:1') &&
          error.hint !== undefined,
      );
    });
  }

  test('reads an OCI manifest', () => {
    const {schemaVersion: _, ...expected} = manifest;
    assert.equal(parse(manifest), {kind: 'manifest', ...expected, annotations: {}});
  });

  test('reads a Docker manifest with parameters in its header', () => {
    const document = {
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: descriptor(DOCKER_CONFIG, 'c'),
      layers: [descriptor(DOCKER_LAYER_GZIP, 'l')],
    };
    const parsed = parse(document, {contentType: `${DOCKER_MANIFEST}; charset=utf-8`});
    assert.is(parsed.kind, 'manifest');
    assert.is(parsed.mediaType, DOCKER_MANIFEST);
  });

  test('keeps subject, artifact type and annotations', () => {
    const artifact = {
      ...manifest,
      artifactType: 'application/vnd.example.signature',
      subject: descriptor(OCI_MANIFEST, 'image'),
      annotations: {'org.opencontainers.image.created': '2026-01-01T00:00:00Z'},
    };
    const {schemaVersion: _, ...expected} = artifact;
    assert.equal(parse(artifact), {kind: 'manifest', ...expected});
  });

  test('decides by shape when neither body, header nor descriptor says', () => {
    for (const contentType of [
      undefined,
      '',
      'application/json',
      'text/plain; charset=utf-8',
      'application/octet-stream',
    ]) {
      assert.is(parse({...manifest, mediaType: undefined}, {contentType}).mediaType, OCI_MANIFEST);
      assert.is(parse({...index, mediaType: ''}, {contentType}).mediaType, OCI_INDEX);
    }
  });

  test('takes the type of the header or the descriptor where the body is silent', () => {
    const untyped = {...index, mediaType: undefined};
    assert.is(parse(untyped, {contentType: DOCKER_MANIFEST_LIST}).mediaType, DOCKER_MANIFEST_LIST);
    assert.is(parse(untyped, {descriptor: {mediaType: OCI_INDEX}}).mediaType, OCI_INDEX);
  });

  test('takes the media type in the header in any case', () => {
    assert.is(parse(manifest, {contentType: OCI_MANIFEST.toUpperCase()}).kind, 'manifest');
  });

  test('reads what its descriptor promised, by sha256 and by sha512', () => {
    const bytes = bytesOf(manifest);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const promise = {mediaType: OCI_MANIFEST, size: bytes.length, digest: digestOf(bytes, algorithm)};
      assert.is(parse(manifest, {descriptor: promise}).kind, 'manifest');
    }
  });

  test('reads 500 layers, exactly 4 MiB, and no layer at all', () => {
    const many = parse({...manifest, layers: Array(500).fill(layer)});
    assert.is(many.kind === 'manifest' && many.layers.length, 500);
    assert.is(parse(JSON.stringify(manifest).padEnd(MANIFEST_LIMIT_BYTES)).kind, 'manifest');
    const empty = parse({...manifest, layers: null});
    assert.is(empty.kind === 'manifest' && empty.layers.length, 0);
  });

  test('drops keys that no spec knows', () => {
    assert.not('x-vendor' in parse({...manifest, 'x-vendor': 1}));
  });

  test('keeps the message short and names the type that a server made up', () => {
    assert.throws(
      () => parse({...manifest, mediaType: `application/${'x'.repeat(100_000)}`}),
      (error: Error) => error.message.length < 300 && error.message.includes('application/xxx'),
    );
  });
});
