import {statfs} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import type {Reference} from '../oci/reference.ts';
import type {LayerRecord} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {fetchLayer, missingParts} from './fetch-layer.ts';

export interface LayersToFetch {
  readonly reference: Reference;
  /** Base first. */
  readonly layers: readonly LayerRecord[];
}

/** As docker's default; more connections do not make one registry faster. */
const DOWNLOADS_AT_ONCE = 3;

/**
 * Makes the blobs and layer files of an image present, several at once, the largest first since it takes longest.
 *
 * @returns bytes downloaded
 * @throws {WinchError} `MANIFEST_INVALID` | `STORE_FULL` | as the registry, the store and the layer's content
 */
export async function fetchLayers(
  context: ImageContext,
  {reference, layers}: LayersToFetch,
  options: CallOptions,
): Promise<number> {
  const missing: LayerRecord[] = [];
  for (const layer of distinctLayers(layers)) {
    const needs = missingParts(context, layer);
    if (needs.blob || needs.layer) missing.push(layer);
    else options.onEvent?.({type: 'blob:present', digest: layer.blobDigest, size: layer.blobBytes});
  }
  await requireSpace(context.store, missing);
  let received = 0;
  const tasks = missing
    .toSorted((a, b) => b.blobBytes - a.blobBytes)
    .map((layer) => async (signal: AbortSignal) => {
      const bytes = await fetchLayer(context, {reference, layer}, {...options, signal});
      received += bytes;
    });
  await runTogether(tasks, {limit: DOWNLOADS_AT_ONCE, signal: options.signal});
  return received;
}

function distinctLayers(layers: readonly LayerRecord[]): readonly LayerRecord[] {
  const byBlob = new Map<string, LayerRecord>();
  for (const layer of layers) {
    const twin = byBlob.get(layer.blobDigest);
    if (twin && (twin.diffId !== layer.diffId || twin.blobBytes !== layer.blobBytes)) {
      throw new WinchError('MANIFEST_INVALID', `layer ${layer.blobDigest} is listed with two sizes or two diff ids`, {
        kind: 'refused',
      });
    }
    byBlob.set(layer.blobDigest, layer);
  }
  return [...byBlob.values()];
}

async function requireSpace(store: Store, layers: readonly LayerRecord[]): Promise<void> {
  const needed = layers.reduce((sum, layer) => sum + layer.blobBytes, 0);
  const {bavail, bsize} = await statfs(store.paths.root);
  if (needed <= bavail * bsize) return;
  throw new WinchError('STORE_FULL', `${store.paths.root} has ${bavail * bsize} bytes free and needs ${needed}`, {
    kind: 'storage',
    hint: 'free space there or choose another root',
  });
}
