import * as assert from 'uvu/assert';

import {
  DOCKER_FOREIGN_LAYER_GZIP,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  isForeignLayer,
  isIndexType,
  isManifestType,
  layerCompression,
  MANIFEST_ACCEPT,
  OCI_FOREIGN_LAYER_ZSTD,
  OCI_INDEX,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  OCI_LAYER_ZSTD,
  OCI_MANIFEST,
} from '../../src/oci/media-types.ts';
import {describe} from '../helpers/suite.ts';

describe('oci/media-types', ({test}) => {
  test('calls an encrypted layer unknown, however it is compressed', () => {
    assert.is(layerCompression(`${OCI_LAYER_GZIP}+encrypted`), 'unknown');
    assert.is(layerCompression('application/vnd.example.model'), 'unknown');
  });

  test('knows the compression of OCI and Docker layers', () => {
    assert.is(layerCompression(OCI_LAYER), 'none');
    assert.is(layerCompression(OCI_LAYER_GZIP), 'gzip');
    assert.is(layerCompression(OCI_LAYER_ZSTD), 'zstd');
    assert.is(layerCompression(DOCKER_LAYER_GZIP), 'gzip');
    assert.is(layerCompression(OCI_FOREIGN_LAYER_ZSTD), 'zstd');
  });

  test('tells foreign layers', () => {
    assert.ok(isForeignLayer(DOCKER_FOREIGN_LAYER_GZIP));
    assert.ok(isForeignLayer(OCI_FOREIGN_LAYER_ZSTD));
    assert.not(isForeignLayer(OCI_LAYER_GZIP));
  });

  test('asks for every type that it can tell apart', () => {
    const asked = MANIFEST_ACCEPT.split(', ');
    assert.equal(asked.filter(isManifestType).sort(), [DOCKER_MANIFEST, OCI_MANIFEST].sort());
    assert.equal(asked.filter(isIndexType).sort(), [DOCKER_MANIFEST_LIST, OCI_INDEX].sort());
    assert.is(asked.length, 4);
  });
});
