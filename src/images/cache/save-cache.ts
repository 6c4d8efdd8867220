import {availableParallelism} from 'node:os';
import {dirname} from 'node:path';
import type {CallOptions} from '../../events.ts';
import {runTogether} from '../../host/run-together.ts';
import {type FileSet, readSmallFile} from '../../media/file-set.ts';
import {below, hasBlobFile, makeDirectory, writeSmallFile} from '../../media/layout-files.ts';
import {INDEX_LIMIT_BYTES} from '../../media/layout-index.ts';
import {blobPath} from '../../media/layout-source.ts';
import {INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT} from '../../oci/image-layout.ts';
import {familiarReference, parseReference} from '../../oci/reference.ts';
import type {StoredLayer} from '../../store/image-records.ts';
import type {ImageContext} from '../context.ts';
import type {Document} from '../resolve-image.ts';
import {layerObject, lockCache, makeCache} from './cache-directory.ts';
import {type CacheableImage, cacheableImages} from './cacheable-images.ts';
import {encodeIndex, listedImages} from './cached-images.ts';
import {saveLayer} from './save-layer.ts';
import {sweepCache} from './sweep-cache.ts';

export interface SaveCacheOptions extends CallOptions {
  /** Keeps images that an earlier save has put there; absent: the cache holds what is named now and nothing else. */
  readonly keep?: boolean | undefined;
}

export interface CacheToSave {
  /** New, empty or a cache. */
  readonly directory: string;
  /** References of stored images; empty: every tag of the store. */
  readonly names: readonly string[];
}

export interface SavedCache {
  /** As people write them, with the digests of their tags. */
  readonly images: readonly {readonly reference: string; readonly digest: string}[];
  /** Layers that were packed now, and those that were there. */
  readonly writtenLayers: number;
  readonly presentLayers: number;
  readonly writtenBytes: number;
  /** Files that nothing in the cache needs any more. */
  readonly removedFiles: number;
}

/**
 * Writes stored images into a directory for a later job, perhaps on another machine: their documents, and the tar of
 * each layer packed by zstd. Of an index the image that the tag chose is saved.
 *
 * Only what is not there yet is written. What is no longer wanted is removed last, so that the directory is a cache at
 * every moment, also after `kill -9`.
 *
 * @throws {WinchError} `CACHE_UNUSABLE` | `IMAGE_UNKNOWN` | `IMAGE_UNNAMED` | `BLOB_MISSING` | `STORE_CORRUPT` |
 * `STORE_FULL` …
 */
export async function saveCache(
  context: ImageContext,
  {directory, names}: CacheToSave,
  options: SaveCacheOptions = {},
): Promise<SavedCache> {
  using lease = await context.store.readerLease(options.signal);
  const images = await cacheableImages({...context, lease}, names, options);
  const files = await makeCache(directory);
  using _lock = await lockCache(context, directory, {mode: 'exclusive', signal: options.signal});
  const documents = images.flatMap((image) => image.documents);
  const layers = [...new Map(images.flatMap((image) => image.layers).map((layer) => [layer.diffId, layer])).values()];
  const documentBytes = await saveDocuments(directory, documents);
  const saved = await saveLayers(context, {directory, layers}, options);
  await saveIndex(files, {directory, images}, options);
  const wanted = [...documents.map(({digest}) => blobPath(digest)), ...layers.map(({diffId}) => layerObject(diffId))];
  return {
    ...saved,
    images: images.map(({name, root}) => ({reference: familiarReference(parseReference(name)), digest: root.digest})),
    writtenBytes: documentBytes + saved.writtenBytes,
    removedFiles: await sweepCache(directory, options.keep ? null : new Set(wanted)),
  };
}

async function saveDocuments(directory: string, documents: readonly Document[]): Promise<number> {
  let writtenBytes = 0;
  for (const {digest, bytes} of documents) {
    const path = below(directory, blobPath(digest));
    if (await hasBlobFile(path, {digest, size: bytes.length})) continue;
    await makeDirectory(dirname(path));
    await writeSmallFile(path, bytes, {durability: 'fast'});
    writtenBytes += bytes.length;
  }
  return writtenBytes;
}

interface LayersToSave {
  readonly directory: string;
  readonly layers: readonly StoredLayer[];
}

/** The largest first, since it takes longest. */
async function saveLayers(context: ImageContext, {directory, layers}: LayersToSave, options: CallOptions) {
  let [writtenLayers, writtenBytes] = [0, 0];
  const tasks = layers
    .toSorted((a, b) => b.tarBytes - a.tarBytes)
    .map((layer) => async (signal: AbortSignal) => {
      const bytes = await saveLayer(context.store, {directory, layer}, {...options, signal});
      if (bytes === null) return;
      writtenLayers += 1;
      writtenBytes += bytes;
    });
  await runTogether(tasks, {limit: availableParallelism(), signal: options.signal});
  return {writtenLayers, presentLayers: layers.length - writtenLayers, writtenBytes};
}

interface IndexToSave {
  readonly directory: string;
  readonly images: readonly CacheableImage[];
}

/** An index that stays the same is not written, so that nobody takes the cache for another one. */
async function saveIndex(files: FileSet, {directory, images}: IndexToSave, options: SaveCacheOptions): Promise<void> {
  const names = images.map(({name}) => name);
  const kept = options.keep ? (await listedImages(files, options)).filter(({name}) => !names.includes(name)) : [];
  const contents = [
    [LAYOUT_FILE, Buffer.from(LAYOUT_TEXT)],
    [INDEX_FILE, encodeIndex([...kept, ...images])],
  ] as const;
  for (const [path, bytes] of contents) {
    const before = await readSmallFile(files, {path, limitBytes: INDEX_LIMIT_BYTES, signal: options.signal});
    if (!before?.equals(bytes)) await writeSmallFile(below(directory, path), bytes, {durability: 'fast'});
  }
}
