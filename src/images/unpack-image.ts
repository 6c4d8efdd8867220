import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
import type {ImageRecord} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import {fetchLayers} from './fetch-layers.ts';
import {unwrittenLayers} from './present-image.ts';

export interface UnpackTarget {
  readonly reference: Reference;
  readonly image: ImageRecord;
}

/**
 * Writes the layer files of a stored image from its blobs; no registry is asked.
 *
 * @throws {WinchError} `BLOB_MISSING` when a blob is gone | as the store and the layers' content
 */
export async function unpackImage(
  context: ImageContext,
  {reference, image}: UnpackTarget,
  options: CallOptions,
): Promise<void> {
  const {store} = context;
  using _lease = await store.lease(options.signal);
  const layers = store.read((database) => unwrittenLayers(store, database, image), null);
  const offline = {...context, registry: () => Promise.reject(blobsMissing(reference))};
  if (layers === null) throw blobsMissing(reference);
  await fetchLayers(offline, {reference, layers}, options);
}

const blobsMissing = (reference: Reference) =>
  new WinchError('BLOB_MISSING', `blobs of ${familiarReference(reference)} are no longer in the store`, {
    kind: 'corrupt',
    hint: 'pull it again',
  });
