import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import {findChunkedFormat} from '../../layers/chunked/chunked-format.ts';
import {type ChunkedLayer, openChunkedLayer} from '../../layers/chunked/chunked-layer.ts';
import type {IndexedLayer} from '../../layers/read-layer-index.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {Reference} from '../../oci/reference.ts';
import {findLayerFile, type LayerRecord} from '../../store/image-records.ts';
import type {Store} from '../../store/store.ts';
import type {ImageContext} from '../context.ts';
import {nameLayer} from '../fetch-layer.ts';
import {openRegistryParts} from './registry-parts.ts';

/** Where the files of a layer can be read: in the store, at the registry one by one, or nowhere before it is fetched. */
export type LayerPlace =
  | {readonly kind: 'stored'; readonly layer: IndexedLayer}
  | {readonly kind: 'chunked'; readonly layer: ChunkedLayer}
  | {readonly kind: 'absent'};

/** A layer of an image at a registry. */
export interface RemoteLayer {
  readonly record: LayerRecord;
  readonly descriptor: Descriptor;
}

export interface RemoteLayers {
  readonly reference: Reference;
  /** Base first. */
  readonly layers: readonly RemoteLayer[];
}

const ABSENT: LayerPlace = Object.freeze({kind: 'absent'});
const TABLES_AT_ONCE = 4;

/**
 * Finds out for each layer where its files can be read. Of layers that are not in the store tables of contents are
 * fetched, and no more.
 */
export async function openLayers(
  context: ImageContext,
  {reference, layers}: RemoteLayers,
  options: CallOptions,
): Promise<readonly LayerPlace[]> {
  const places = new Map<string, LayerPlace>();
  let isRefused = false;
  const open = async (layer: RemoteLayer, signal: AbortSignal): Promise<LayerPlace> => {
    // What is opened is read later, when the others are long done.
    const signals = options.signal ? [signal, options.signal] : [signal];
    try {
      return await openRemote(context, {reference, layer}, {...options, signal: AbortSignal.any(signals)});
    } catch (error) {
      if (!isWinchError(error, 'RANGE_UNSUPPORTED')) throw nameLayer(error, layer.record);
      isRefused = true;
      return ABSENT;
    }
  };
  const tasks = layers.map((layer) => async (signal: AbortSignal) => {
    const {blobDigest} = layer.record;
    if (places.has(blobDigest)) return;
    places.set(blobDigest, ABSENT);
    places.set(blobDigest, findStored(context.store, layer.record) ?? (await open(layer, signal)));
  });
  await runTogether(tasks, {limit: TABLES_AT_ONCE, signal: options.signal});
  if (isRefused) {
    const message = `${reference.registry} gives blobs only whole: layers are fetched of which a part would do`;
    options.onEvent?.({type: 'warning:raised', code: 'RANGE_UNSUPPORTED', message});
  }
  return layers.map(({record}) => places.get(record.blobDigest) ?? ABSENT);
}

/** A layer of which the store has the file; null for none. */
export function findStored(store: Store, {diffId}: LayerRecord): LayerPlace | null {
  const file = store.read((database) => findLayerFile(database, diffId), null);
  if (file === null || !store.layers.has(diffId, file.fileBytes)) return null;
  return {kind: 'stored', layer: {...file, diffId, path: store.layers.path(diffId)}};
}

async function openRemote(
  {store, registry}: ImageContext,
  {reference, layer: {record, descriptor}}: {readonly reference: Reference; readonly layer: RemoteLayer},
  options: CallOptions,
): Promise<LayerPlace> {
  const format = findChunkedFormat(descriptor);
  const {blobDigest: digest, blobBytes: size} = record;
  if (format === null || store.blobs.has({digest, size})) return ABSENT;
  const parts = openRegistryParts(await registry(), {reference, descriptor}, options);
  const layer = await openChunkedLayer({parts, format, name: digest});
  return layer ? {kind: 'chunked', layer} : ABSENT;
}
