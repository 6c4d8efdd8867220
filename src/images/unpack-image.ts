import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import {digestsOfImage} from '../store/image-digests.ts';
import {type ImageRecord, listedLayersOf} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import {unpackLayer} from './fetch-layer.ts';
import {holdLease} from './hold-lease.ts';
import {mergeMeanwhile} from './merged-index.ts';
import {unwrittenLayers} from './present-image.ts';

export interface UnpackTarget {
  /** As the user wrote it. */
  readonly name: string;
  readonly image: ImageRecord;
}

const LAYERS_AT_ONCE = 3;

/**
 * Writes the layer files of a stored image from its blobs; no registry is asked.
 *
 * @throws {WinchError} `BLOB_MISSING` when a blob is gone | as the store and the layers' content
 */
export async function unpackImage(
  context: ImageContext,
  {name, image}: UnpackTarget,
  options: CallOptions,
): Promise<void> {
  const {store} = context;
  using lease = await holdLease(context, options.signal);
  await lease.claim(store.read((database) => digestsOfImage(database, image.manifestDigest), []));
  const layers = store.read((database) => unwrittenLayers(store, database, image), null);
  if (layers === null) {
    throw new WinchError('BLOB_MISSING', `blobs of ${name} are no longer in the store`, {
      kind: 'corrupt',
      hint: 'pull it again',
    });
  }
  const distinct = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()];
  const tasks = distinct
    .toSorted((a, b) => b.blobBytes - a.blobBytes)
    .map((layer) => (signal: AbortSignal) => unpackLayer(context, layer, {...options, signal}));
  await runTogether(tasks, {limit: LAYERS_AT_ONCE, signal: options.signal});
  const all = store.read((database) => listedLayersOf(database, image.manifestDigest), []);
  await mergeMeanwhile({...context, lease}, all, async () => {});
}
