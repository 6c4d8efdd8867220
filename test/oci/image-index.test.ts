import * as assert from 'uvu/assert';

import {digestOf} from '../../src/oci/digest.ts';
import type {ImageIndex} from '../../src/oci/image-index.ts';
import {parseManifestDocument} from '../../src/oci/manifest.ts';
import {DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST} from '../../src/oci/media-types.ts';
import {describe} from '../helpers/suite.ts';

const entry = (name: string, more: object = {}) => ({
  mediaType: OCI_MANIFEST,
  digest: digestOf(Buffer.from(name)),
  size: name.length,
  ...more,
});

const parseIndex = (document: object): ImageIndex => {
  const parsed = parseManifestDocument(Buffer.from(JSON.stringify(document)), {where: 'index of x:1'});
  if (parsed.kind !== 'index') throw new Error('not an index');
  return parsed;
};

describe('oci/image-index', ({test}) => {
  test('keeps the entries in order, with platform and annotations', () => {
    const manifests = [
      entry('b', {platform: {os: 'linux', architecture: 'arm64', variant: 'v8'}}),
      entry('a', {platform: {os: 'linux', architecture: 'amd64'}}),
      entry('c', {
        platform: {os: 'unknown', architecture: 'unknown'},
        annotations: {'vnd.docker.reference.type': 'attestation-manifest'},
      }),
    ];
    const index = parseIndex({schemaVersion: 2, mediaType: OCI_INDEX, manifests, annotations: {a: 'b'}});
    assert.equal(index, {kind: 'index', mediaType: OCI_INDEX, manifests, annotations: {a: 'b'}});
  });

  test('reads a Docker manifest list', () => {
    const manifests = [entry('a', {mediaType: DOCKER_MANIFEST, platform: {os: 'linux', architecture: '386'}})];
    assert.equal(parseIndex({schemaVersion: 2, mediaType: DOCKER_MANIFEST_LIST, manifests}).manifests, manifests);
  });

  test('drops the features that only old manifest lists have', () => {
    const platform = {os: 'linux', architecture: 'amd64', features: ['sse4']};
    const index = parseIndex({schemaVersion: 2, manifests: [entry('a', {platform})]});
    assert.equal(index.manifests[0]?.platform, {os: 'linux', architecture: 'amd64'});
  });

  test('reads an index inside an index, an empty one and a null as one', () => {
    assert.is(parseIndex({schemaVersion: 2, manifests: [entry('a', {mediaType: OCI_INDEX})]}).manifests.length, 1);
    assert.is(parseIndex({schemaVersion: 2, manifests: []}).manifests.length, 0);
    assert.is(parseIndex({schemaVersion: 2, manifests: null}).manifests.length, 0);
  });

  test('reads 10 000 entries', () => {
    assert.is(parseIndex({schemaVersion: 2, manifests: Array(10_000).fill(entry('a'))}).manifests.length, 10_000);
  });

  test('keeps what an index is about', () => {
    const subject = entry('image');
    assert.equal(parseIndex({schemaVersion: 2, manifests: [], subject, artifactType: 'a/b'}).subject, subject);
  });
});
