import {isWinchError, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {type Digest, shortDigest} from '../oci/digest.ts';
import type {BlobDescriptor} from '../store/blobs.ts';
import {isDropped, keepBlob} from '../store/dropped-blobs.ts';
import {findLayerFile} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {downloadAgain} from './check/restore-blob.ts';
import type {ImageContext} from './context.ts';
import {holdLease} from './hold-lease.ts';
import {copyPlainTar, hasPlainTar} from './plain-tar.ts';

/** Whether a blob that is not there was dropped, and the file of its layer is there: nothing has to be fetched for it. */
export const hasLayerFileAlone = (store: Store, digest: Digest): boolean =>
  store.read((database) => {
    if (!isDropped(database, digest)) return false;
    const rows = database.all(
      'SELECT DISTINCT diff_id FROM image_layer JOIN chain USING (chain_id) WHERE blob_digest = ?',
      digest,
    );
    const files = rows.map((row) => findLayerFile(database, row.diff_id as Digest));
    return files.length > 0 && files.every((file) => file !== null && store.layers.has(file.diffId, file.fileBytes));
  }, false);

/**
 * Brings the bytes of a dropped blob back into the store: out of its layer file where that has them as they were, else
 * from where its images came.
 *
 * @throws {WinchError} `BLOB_DROPPED`: it cannot be had again, for the reason in its cause
 */
export async function fetchDropped(context: ImageContext, blob: BlobDescriptor, options: CallOptions): Promise<void> {
  const {store} = context;
  try {
    using lease = await holdLease(context, options.signal);
    await lease.claim([blob.digest]);
    if (hasPlainTar(store, blob.digest)) await copyPlainTar(context, blob, options);
    else await downloadAgain(context, {digest: blob.digest, users: usersOf(store, blob.digest)}, options);
    await store.write((database) => keepBlob(database, blob.digest));
  } catch (error) {
    options.signal?.throwIfAborted();
    throw isWinchError(error) ? notHadAgain(blob.digest, error) : error;
  }
}

const usersOf = (store: Store, digest: Digest): readonly Digest[] =>
  store
    .read(
      (database) => database.all('SELECT DISTINCT manifest_digest FROM image_layer WHERE blob_digest = ?', digest),
      [],
    )
    .map((row) => row.manifest_digest as Digest);

const notHadAgain = (digest: Digest, cause: WinchError) =>
  new WinchError(
    'BLOB_DROPPED',
    `the compressed copy of layer ${shortDigest(digest)} was dropped and cannot be had again: ${cause.message}`,
    {
      kind: cause.kind,
      hint: 'the image runs without it; make where it came from reachable, or remove the image and store it anew',
      cause,
    },
  );
