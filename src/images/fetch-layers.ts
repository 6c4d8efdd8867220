import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {runTogether} from '../host/run-together.ts';
import {createTurns, type Turn} from '../host/turns.ts';
import type {Reference} from '../oci/reference.ts';
import type {LayerRecord} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import {hasLayerFileAlone} from './dropped-blobs.ts';
import {fetchBlob} from './fetch-blob.ts';
import {fetchLayer, missingParts} from './fetch-layer.ts';
import type {BlobRecord} from './receive-layer.ts';
import {requireSpace, type SpaceNeeds} from './require-space.ts';

export interface LayersToFetch {
  readonly reference: Reference;
  /** Those whose blobs and files are wanted, base first. */
  readonly layers: readonly LayerRecord[];
  /** Those of which the blobs do. */
  readonly blobs?: readonly BlobRecord[];
}

/** As docker's default; more connections do not make one registry faster. */
const DOWNLOADS_AT_ONCE = 3;
/** Downloads, and layers that wait for the disk alone: each holds some ten descriptors. */
const LAYERS_AT_ONCE = 8;

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
  await requireSpace(context.store, needsOf(context, missing), options);
  let received = 0;
  const turns = createTurns(DOWNLOADS_AT_ONCE);
  const tasks = missing
    .toSorted((a, b) => b.layer.blobBytes - a.layer.blobBytes)
    .map(({fetch}) => async (signal: AbortSignal) => {
      using turn = await turns.take(signal);
      const bytes = await fetch({reference, turn}, {...options, signal});
      received += bytes;
    });
  await runTogether(tasks, {limit: LAYERS_AT_ONCE, signal: options.signal});
  return received;
}

interface MissingPart {
  readonly layer: BlobRecord;
  readonly needs: {readonly blob: boolean; readonly layer: boolean};
  fetch(from: {readonly reference: Reference; readonly turn: Turn}, options: CallOptions): Promise<number>;
}

const missingLayers = (context: ImageContext, layers: readonly LayerRecord[]): readonly MissingPart[] =>
  layers
    .map((layer) => ({layer, needs: missingParts(context, layer)}))
    .filter(({needs}) => needs.blob || needs.layer)
    .map(({layer, needs}) => ({
      layer,
      needs,
      fetch: (from, options) => fetchLayer(context, {...from, layer}, options),
    }));

const BLOB_ALONE = Object.freeze({blob: true, layer: false});

const missingBlobs = (
  context: ImageContext,
  blobs: readonly BlobRecord[],
  layers: ReadonlyMap<string, LayerRecord>,
): readonly MissingPart[] =>
  [...new Map(blobs.map((blob) => [blob.blobDigest, blob])).values()]
    .filter(({blobDigest, blobBytes}) => !layers.has(blobDigest) && !hasBlob(context, blobDigest, blobBytes))
    .map((layer) => ({
      layer,
      needs: BLOB_ALONE,
      fetch: ({reference}, options) => fetchBlob(context, {reference, layer}, options),
    }));

const hasBlob = ({store}: ImageContext, digest: BlobRecord['blobDigest'], size: number): boolean =>
  store.blobs.has({digest, size}) || hasLayerFileAlone(store, digest);

function needsOf({store}: ImageContext, missing: readonly MissingPart[]): SpaceNeeds {
  const blobs = missing.filter(({needs}) => needs.blob).map(({layer}) => layer);
  const rest = blobs.map(({blobDigest, blobBytes}) => blobBytes - store.blobs.partialBytes(blobDigest));
  return {
    sureBytes: rest.reduce((sum, bytes) => sum + Math.max(0, bytes), 0),
    layers: missing.filter(({needs}) => needs.layer).map(({layer}) => layer),
  };
}

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
