import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import type {FileSet} from '../../media/file-set.ts';
import type {Digest} from '../../oci/digest.ts';
import {familiarReference} from '../../oci/reference.ts';
import {commitImages} from '../commit-images.ts';
import type {ImageContext} from '../context.ts';
import {contentRegistry} from '../copy/content-registry.ts';
import {missingParts} from '../fetch-layer.ts';
import {requireSpace} from '../require-space.ts';
import {type ResolvedImage, resolveImage} from '../resolve-image.ts';
import {type CachedImage, cacheInvalid, openCachedImage} from './cached-images.ts';
import {type LayerToRestore, type RestoredLayer, restoreLayer} from './restore-layer.ts';

/** An image of a cache, with documents that are what their digests say. */
export interface ImageToRestore {
  readonly image: CachedImage;
  readonly resolved: ResolvedImage;
}

/** As many as a pull has. */
const LAYERS_AT_ONCE = 3;

/** @throws {WinchError} `CACHE_INVALID` | `DIGEST_MISMATCH` | `BLOB_UNKNOWN` | `PLATFORM_MISSING` … */
export async function readImage(files: FileSet, image: CachedImage, options: CallOptions): Promise<ImageToRestore> {
  const {reference, platform, layerBytes} = image;
  const registry = contentRegistry(await openCachedImage(files, image, options));
  const resolved = await resolveImage(registry, {reference, platform}, options);
  if (resolved.layers.length === layerBytes.length) return {image, resolved};
  throw cacheInvalid(files.name, `${familiarReference(reference)} has ${resolved.layers.length} layers`);
}

/** What an image counts on. */
export const digestsOf = ({resolved: {documents, layers}}: ImageToRestore): readonly Digest[] => [
  ...documents.map(({digest}) => digest),
  ...layers.flatMap(({blobDigest, diffId}) => [blobDigest, diffId]),
];

/**
 * Writes the layer files that the store lacks, the largest first.
 *
 * @returns how each layer ended, by diff id
 * @throws {WinchError} `STORE_FULL`, before anything is unpacked, when what the cache says of the sizes is too much
 */
export async function restoreLayers(
  context: ImageContext,
  {files, images}: {readonly files: FileSet; readonly images: readonly ImageToRestore[]},
  options: CallOptions,
): Promise<ReadonlyMap<Digest, RestoredLayer>> {
  const wanted = new Map<Digest, LayerToRestore>();
  for (const {resolved, image} of images) {
    for (const [at, layer] of resolved.layers.entries()) {
      wanted.set(layer.diffId, {files, layer, tarBytes: image.layerBytes[at] ?? 0});
    }
  }
  const layers = [...wanted.values()].toSorted((a, b) => b.tarBytes - a.tarBytes);
  const missing = layers.filter(({layer}) => missingParts(context, layer).layer);
  const sureBytes = missing.reduce((sum, {tarBytes}) => sum + tarBytes, 0);
  await requireSpace(context.store, {sureBytes, layers: []}, options);
  const ended = new Map<Digest, RestoredLayer>();
  const tasks = layers.map((work) => async (signal: AbortSignal) => {
    ended.set(work.layer.diffId, await restoreLayer(context, work, {...options, signal}));
  });
  await runTogether(tasks, {limit: LAYERS_AT_ONCE, signal: options.signal});
  return ended;
}

/**
 * Records an image whose layer files are there, and its tag. The compressed copies of its layers count as dropped.
 *
 * @throws {WinchError} `TAG_EXISTS`: the name was given to another image meanwhile, and the context keeps names
 */
export async function commitRestored(
  context: ImageContext,
  {image: {reference}, resolved}: ImageToRestore,
  {onEvent}: CallOptions,
): Promise<void> {
  const {targetDigest, indexes} = resolved;
  await Promise.all(resolved.documents.map(({digest, bytes}) => context.store.blobs.put(digest, bytes)));
  const parts = indexes.slice(1).map((nested) => ({digest: nested, kind: 'index'}) as const);
  const changed = await commitImages(context, {reference, targetDigest, images: [resolved], parts});
  onEvent?.({
    type: 'image:stored',
    reference: familiarReference(reference),
    digest: targetDigest,
    changed,
    receivedBytes: 0,
  });
}
