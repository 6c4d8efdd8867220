import type {CallOptions} from '../../events.ts';
import {readRegion} from '../../host/file-regions.ts';
import type {FileNode} from '../../layers/file-tree.ts';
import type {LayerIndex} from '../../layers/layer-index.ts';
import {openLayeredFiles} from '../../layers/layered-files.ts';
import type {IndexedLayer} from '../../layers/read-layer-index.ts';
import {parsePlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference, type Reference} from '../../oci/reference.ts';
import type {Lease} from '../../store/leases.ts';
import type {ImageContext} from '../context.ts';
import {digestsOfLayers, requirePlatform} from '../fetch-image.ts';
import {nameLayer} from '../fetch-layer.ts';
import {fetchLayers} from '../fetch-layers.ts';
import {withForeignLayers} from '../foreign-layers.ts';
import {type ResolvedImage, resolveImage} from '../resolve-image.ts';
import {findStored, type LayerPlace, openLayers, type RemoteLayer} from './open-layers.ts';

export interface RemoteFilesOptions extends CallOptions {
  readonly platform?: string | undefined;
}

/** The files of an image, in the store or at its registry. */
export interface ReadableFiles {
  readonly imageId: string;
  /** Read while it is walked. */
  root(): FileNode;
  /**
   * The content of a file of the root; null: its layer had to be fetched first, so it has to be looked up again.
   *
   * Reading throws `DIGEST_MISMATCH` | `RANGE_UNSUPPORTED` | as `RegistryClient.openBlob`.
   */
  readFile(node: FileNode): Promise<AsyncIterable<Uint8Array> | null>;
  close(): void;
}

/**
 * Opens the files of an image at its registry for lookups. Nothing gets a name in the store.
 *
 * Of layers in eStargz and zstd:chunked their tables of contents are fetched, and then what is read; others that the
 * store lacks are fetched into it, and stay there until garbage is collected. A table counts once its digest is the one
 * that the manifest has, content once its digest is the one that the table has.
 *
 * @returns null when layers are missing of which none can be read in part: a pull does no more than that takes.
 * @throws {WinchError} as `pullImage` | `LAYER_TOC_INVALID`
 */
export async function openRemoteFiles(
  context: ImageContext,
  name: string,
  options: RemoteFilesOptions,
): Promise<ReadableFiles | null> {
  const {reference, image} = await resolve(context, name, options);
  using opening = new DisposableStack();
  const lease = await context.store.readerLease(options.signal);
  if (lease) opening.use(lease);
  await lease?.claim(digestsOfLayers(image.layers));
  const layers = layersOf(image);
  const places = [...(await openLayers(context, {reference, layers}, options))];
  if (places.some(isAbsent) && !places.some(isChunked)) return null;
  const whole = {reference, image, layers, places};
  const fetch = async () => void opened.use(await fetchAbsent(context, whole, options));
  const opened = opening.move();
  try {
    if (places.some(isAbsent)) await fetch();
    const readFile = async (node: FileNode) => {
      const position = places.findLastIndex((place) => place.kind === 'chunked' && place.layer.name === node.layerPath);
      const content = position < 0 ? readStored(node, options) : readChunked(whole, position, node);
      if (content) return content;
      for (const [at, {record}] of layers.entries()) if (record.blobDigest === node.layerPath) places[at] = ABSENT;
      await fetch();
      return null;
    };
    const root = () => openLayeredFiles(places.flatMap(indexOf));
    return {imageId: image.manifest.config.digest, root, readFile, close: () => opened.dispose()};
  } catch (error) {
    opened.dispose();
    throw error;
  }
}

const ABSENT: LayerPlace = Object.freeze({kind: 'absent'});
const isAbsent = ({kind}: LayerPlace): boolean => kind === 'absent';
const isChunked = ({kind}: LayerPlace): boolean => kind === 'chunked';

async function resolve(context: ImageContext, name: string, options: RemoteFilesOptions) {
  const reference = parseReference(name);
  const platform = options.platform === undefined ? context.hostPlatform : parsePlatform(options.platform);
  options.onEvent?.({type: 'reference:resolving', reference: familiarReference(reference)});
  const image = await resolveImage(await context.registry(), {reference, platform}, options);
  if (options.platform !== undefined) requirePlatform(image, reference, platform);
  return {reference, image};
}

const layersOf = ({layers, manifest}: ResolvedImage): readonly RemoteLayer[] =>
  layers.flatMap((record, position) => {
    const descriptor = manifest.layers[position];
    return descriptor ? [{record, descriptor}] : [];
  });

interface WholeImage {
  readonly reference: Reference;
  readonly image: ResolvedImage;
  readonly layers: readonly RemoteLayer[];
  /** Of the layers. */
  readonly places: LayerPlace[];
}

/** Fetches the layers that are nowhere to be read; the lease keeps them. */
async function fetchAbsent(
  context: ImageContext,
  {reference, image, layers, places}: WholeImage,
  options: CallOptions,
): Promise<Lease> {
  const absent = layers.filter((_, position) => places[position]?.kind === 'absent').map(({record}) => record);
  const lease = await context.store.lease(options.signal);
  try {
    await lease.claim(digestsOfLayers(absent));
    const holding = withForeignLayers({...context, lease}, {reference, layers: image.manifest.layers}, {});
    await fetchLayers(holding, {reference, layers: absent}, options);
  } catch (error) {
    lease.release();
    throw error;
  }
  for (const [position, {record}] of layers.entries()) {
    if (places[position]?.kind === 'absent') places[position] = findStored(context.store, record) ?? ABSENT;
  }
  return lease;
}

const readStored = ({layerPath, contentOffset, size}: FileNode, {signal}: CallOptions) =>
  readRegion({path: layerPath, offset: contentOffset, size}, 0, {signal});

function readChunked({layers, places}: WholeImage, position: number, node: FileNode) {
  const [layer, place] = [layers[position], places[position]];
  if (!layer || place?.kind !== 'chunked') return null;
  try {
    const content = place.layer.readFile(node);
    return content && named(content, layer);
  } catch (error) {
    throw nameLayer(error, layer.record);
  }
}

async function* named(content: AsyncIterable<Uint8Array>, {record}: RemoteLayer): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw nameLayer(error, record);
  }
}

const indexOf = (place: LayerPlace): readonly (IndexedLayer | LayerIndex)[] =>
  place.kind === 'stored' ? [place.layer] : place.kind === 'chunked' ? [place.layer.index] : [];
