import {statfs} from 'node:fs/promises';
import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import type {Reference} from '../oci/reference.ts';
import type {LayerRecord} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import type {ImageContext} from './context.ts';
import {hasLayerFileAlone} from './dropped-blobs.ts';
import {fetchBlob} from './fetch-blob.ts';
import {fetchLayer, missingParts} from './fetch-layer.ts';
import type {BlobRecord} from './receive-layer.ts';

export interface LayersToFetch {
  readonly reference: Reference;
  /** Those whose blobs and files are wanted, base first. */
  readonly layers: readonly LayerRecord[];
  /** Those of which the blobs do. */
  readonly blobs?: readonly BlobRecord[];
}

/** As docker's default; more connections do not make one registry faster. */
const DOWNLOADS_AT_ONCE = 3;

/**
 * Makes the blobs and layer files of images present, several at once, the largest first since it takes longest.
 *
 * @returns bytes downloaded
 * @throws {WinchError} `MANIFEST_INVALID` | `STORE_FULL` | as the registry, the store and the layer's content
 */
export async function fetchLayers(
  context: ImageContext,
  {reference, layers, blobs = []}: LayersToFetch,
  options: CallOptions,
): Promise<number> {
  const wanted = distinctLayers(layers);
  const missing = [...missingLayers(context, [...wanted.values()]), ...missingBlobs(context, blobs, wanted)];
  const present = new Map([...wanted.values(), ...blobs].map(({blobDigest, blobBytes}) => [blobDigest, blobBytes]));
  for (const {layer} of missing) present.delete(layer.blobDigest);
  for (const [digest, size] of present) options.onEvent?.({type: 'blob:present', digest, size});
  await requireSpace(context.store, missing);
  let received = 0;
  const tasks = missing
    .toSorted((a, b) => b.layer.blobBytes - a.layer.blobBytes)
    .map(({fetch}) => async (signal: AbortSignal) => {
      const bytes = await fetch(reference, {...options, signal});
      received += bytes;
    });
  await runTogether(tasks, {limit: DOWNLOADS_AT_ONCE, signal: options.signal});
  return received;
}

interface MissingPart {
  readonly layer: BlobRecord;
  fetch(reference: Reference, options: CallOptions): Promise<number>;
}

const missingLayers = (context: ImageContext, layers: readonly LayerRecord[]): readonly MissingPart[] =>
  layers
    .filter((layer) => Object.values(missingParts(context, layer)).some(Boolean))
    .map((layer) => ({layer, fetch: (reference, options) => fetchLayer(context, {reference, layer}, options)}));

const missingBlobs = (
  context: ImageContext,
  blobs: readonly BlobRecord[],
  layers: ReadonlyMap<string, LayerRecord>,
): readonly MissingPart[] =>
  [...new Map(blobs.map((blob) => [blob.blobDigest, blob])).values()]
    .filter(({blobDigest, blobBytes}) => !layers.has(blobDigest) && !hasBlob(context, blobDigest, blobBytes))
    .map((layer) => ({layer, fetch: (reference, options) => fetchBlob(context, {reference, layer}, options)}));

const hasBlob = ({store}: ImageContext, digest: BlobRecord['blobDigest'], size: number): boolean =>
  store.blobs.has({digest, size}) || hasLayerFileAlone(store, digest);

function distinctLayers(layers: readonly LayerRecord[]): ReadonlyMap<string, LayerRecord> {
  const byBlob = new Map<string, LayerRecord>();
  for (const layer of layers) {
    const twin = byBlob.get(layer.blobDigest);
    if (twin && (twin.diffId !== layer.diffId || twin.blobBytes !== layer.blobBytes)) {
      throw new WinchError('MANIFEST_INVALID', `layer ${layer.blobDigest} is listed with two sizes or two diff ids`, {
        kind: 'refused',
        hint: 'the image has to be built or pushed anew',
      });
    }
    byBlob.set(layer.blobDigest, layer);
  }
  return byBlob;
}

async function requireSpace(store: Store, missing: readonly MissingPart[]): Promise<void> {
  const needed = missing.reduce((sum, {layer}) => sum + layer.blobBytes, 0);
  const {bavail, bsize} = await statfs(store.paths.root);
  if (needed <= bavail * bsize) return;
  throw new WinchError('STORE_FULL', `${store.paths.root} has ${bavail * bsize} bytes free and needs ${needed}`, {
    kind: 'storage',
    hint: 'free space there or choose another root',
  });
}
