import {isWinchError} from '../../errors.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Digest} from '../../oci/digest.ts';
import type {ImageIndex} from '../../oci/image-index.ts';
import {MANIFEST_LIMIT_BYTES, type Manifest} from '../../oci/manifest.ts';
import {artifactTypeOf} from '../../oci/media-types.ts';
import {isAttestation} from '../../oci/platform.ts';
import type {IndexPart} from '../../store/index-parts.ts';
import type {Store} from '../../store/store.ts';
import {readStoredDocument} from '../stored-index.ts';

/** A manifest of an image whose bytes are stored. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly size: number;
  readonly manifest: Manifest;
}

/** What the store has of that to which a digest leads. */
export interface StoredMembers {
  readonly images: readonly StoredManifest[];
  readonly parts: readonly IndexPart[];
}

/** As deep as indexes are followed when they are pulled. */
const DEPTH_LIMIT = 4;
const NOTHING: StoredMembers = {images: [], parts: []};

/** Follows a manifest or an index as far as its documents are stored and whole. */
export function collectMembers(store: Store, digest: Digest, depth = 0): StoredMembers {
  const document = readDocument(store, digest);
  if (document === null) return NOTHING;
  if (document.kind === 'manifest')
    return artifactTypeOf(document) === null ? imageOf(store, digest, document) : NOTHING;
  if (depth === DEPTH_LIMIT) return NOTHING;
  const members = document.manifests.map((entry) => collectEntry(store, entry, depth));
  return {images: members.flatMap(({images}) => images), parts: members.flatMap(({parts}) => parts)};
}

/** Null: it is not there, damaged, or neither manifest nor index. */
export function readDocument(store: Store, digest: Digest): Manifest | ImageIndex | null {
  try {
    return readStoredDocument(store, {digest});
  } catch (error) {
    if (isWinchError(error) && error.kind !== 'storage') return null;
    throw error;
  }
}

function collectEntry(store: Store, entry: Descriptor, depth: number): StoredMembers {
  const document = readDocument(store, entry.digest);
  if (document === null) return NOTHING;
  if (document.kind === 'manifest') {
    const isImage = artifactTypeOf(document) === null && !isAttestation(entry);
    return isImage ? imageOf(store, entry.digest, document) : blobsOf(entry.digest, document);
  }
  const {images, parts} = collectMembers(store, entry.digest, depth + 1);
  return {images, parts: [{digest: entry.digest, kind: 'index'}, ...parts]};
}

function imageOf(store: Store, digest: Digest, manifest: Manifest): StoredMembers {
  const size = store.blobs.read(digest, MANIFEST_LIMIT_BYTES).length;
  return {images: [{digest, size, manifest}], parts: []};
}

/** What is no image is kept blob by blob. */
function blobsOf(digest: Digest, {config, layers}: Manifest): StoredMembers {
  const digests = [digest, config.digest, ...layers.map((layer) => layer.digest)];
  return {images: [], parts: digests.map((part) => ({digest: part, kind: 'blob'}))};
}
