import {isWinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import type {Digest} from '../oci/digest.ts';
import type {ImageIndex} from '../oci/image-index.ts';
import {MANIFEST_LIMIT_BYTES, type Manifest, parseManifestDocument} from '../oci/manifest.ts';
import type {Reference} from '../oci/reference.ts';
import {findImage} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {unwrittenLayers} from './present-image.ts';
import {type IndexedManifest, walkIndex} from './walk-index.ts';

/** Whether everything that an index leads to is stored: every image, and the blobs of what is no image. */
export async function hasWholeIndex(
  store: Store,
  {reference, targetDigest}: {readonly reference: Reference; readonly targetDigest: Digest},
  options: CallOptions,
): Promise<boolean> {
  try {
    const index = readStoredDocument(store, {digest: targetDigest});
    if (index.kind === 'manifest') return true;
    const read = async (descriptor: Descriptor) => readStoredDocument(store, descriptor);
    const {manifests} = await walkIndex({index, reference}, read, options);
    return manifests.every((member) => isMemberStored(store, member));
  } catch (error) {
    if (isWinchError(error, 'BLOB_MISSING') || isWinchError(error, 'STORE_CORRUPT')) return false;
    throw error;
  }
}

/** @throws {WinchError} `BLOB_MISSING` | `STORE_CORRUPT` | as `parseManifestDocument` */
export function readStoredDocument(
  store: Store,
  descriptor: Pick<Descriptor, 'digest'> & Partial<Descriptor>,
): Manifest | ImageIndex {
  const bytes = store.blobs.read(descriptor.digest, MANIFEST_LIMIT_BYTES);
  return parseManifestDocument(bytes, {where: `stored manifest ${descriptor.digest}`, descriptor});
}

function isMemberStored(store: Store, {descriptor, manifest}: IndexedManifest): boolean {
  const isImageStored = store.read((database) => {
    const image = findImage(database, descriptor.digest);
    return image !== null && unwrittenLayers(store, database, image) !== null;
  }, false);
  return (
    store.blobs.has(manifest.config) && (isImageStored || manifest.layers.every((layer) => store.blobs.has(layer)))
  );
}
