import type {CallOptions} from '../events.ts';
import {readRegion} from '../host/file-regions.ts';
import {HEAD_BYTES} from '../layers/erofs-format.ts';
import type {Digest} from '../oci/digest.ts';
import type {BlobDescriptor} from '../store/blobs.ts';
import {findLayerFile} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {lockBlob} from './lock-blob.ts';

/** Whether a blob is that of a layer that came without compression: all of it is in its layer file. */
export function hasPlainTar(store: Store, digest: Digest): boolean {
  const file = store.read((database) => findLayerFile(database, digest), null);
  return file !== null && store.layers.has(digest, file.fileBytes);
}

/** Stores such a blob out of its layer file. @throws {WinchError} `DIGEST_MISMATCH`: that is damaged */
export async function copyPlainTar(context: ImageContext, blob: BlobDescriptor, options: CallOptions): Promise<void> {
  const {store} = context;
  using _blob = await lockBlob(context, {blobDigest: blob.digest, blobBytes: blob.size, mediaType: ''}, options);
  if (store.blobs.has(blob)) return;
  const ingest = await store.blobs.openIngest(blob);
  const tar = {path: store.layers.path(blob.digest), offset: HEAD_BYTES, size: blob.size};
  try {
    await ingest.receive((offset) => readRegion(tar, offset, options), options);
    await ingest.commit();
  } catch (error) {
    await ingest.discard();
    throw error;
  }
}
