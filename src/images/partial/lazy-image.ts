import {closeSync, openSync, unlinkSync} from 'node:fs';
import {join} from 'node:path';
import {isWinchError, reword} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ServedFile} from '../../host/fuse/serve-files.ts';
import type {DirectoryMarks} from '../../host/restore-directories.ts';
import {runTogether} from '../../host/run-together.ts';
import {storageError} from '../../host/storage-error.ts';
import {findChunkedFormat} from '../../layers/chunked/chunked-format.ts';
import {openLazyFile} from '../../layers/chunked/lazy-file.ts';
import {openVirtualLayer, type VirtualLayer} from '../../layers/chunked/virtual-layer.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import type {ImageConfig} from '../../oci/image-config.ts';
import {parsePlatform} from '../../oci/platform.ts';
import {familiarReference, parseReference, type Reference} from '../../oci/reference.ts';
import type {LayerRecord} from '../../store/image-records.ts';
import type {ImageContext} from '../context.ts';
import {requirePlatform} from '../fetch-image.ts';
import {nameLayer} from '../fetch-layer.ts';
import {resolveImage} from '../resolve-image.ts';
import {findStored} from './open-layers.ts';
import {openRegistryParts} from './registry-parts.ts';

export interface LazyImageRequest {
  readonly image: string;
  readonly platform?: string | undefined;
  /** Where what is read is kept as long as the image is open; nothing of it is left there, whatever ends this process. */
  readonly directory: string;
}

/** A layer of which a file is served. */
export interface ServedLayer {
  /** Names the file. */
  readonly file: number;
  readonly fileBytes: number;
  readonly whiteouts: number;
  readonly directories: DirectoryMarks;
}

/** What an image at a registry says of itself. Plain data. */
export interface LazyImage {
  readonly reference: Reference;
  readonly imageId: string;
  readonly config: ImageConfig;
  /** Base first; `served` null: its layer file is in the store, or has to be. */
  readonly layers: readonly {
    readonly record: LayerRecord;
    readonly descriptor: Descriptor;
    readonly served: ServedLayer | null;
  }[];
}

export interface OpenedLazyImage extends Disposable {
  readonly image: LazyImage;
  readonly files: readonly ServedFile[];
}

export interface LazyImageOptions extends CallOptions {
  /** Told of each failed read. */
  readonly onFailure: (error: unknown) => void;
}

const TABLES_AT_ONCE = 4;

/**
 * Opens an image at its registry as layer files whose content is fetched when it is read. Nothing of it comes into the
 * store.
 *
 * Layers can be served whose descriptor vouches for a table of contents and whose files are there neither as a layer file
 * nor as a blob. Manifest, config and tables count once their digests are those that name them, and so does each piece of
 * content, before anybody sees a byte of it. The diff id of such a layer is not verified: that takes all of it.
 *
 * @throws {WinchError} as `resolveImage` | `LAYER_TOC_INVALID` | `TAR_PATH` … | `DIGEST_MISMATCH` | `STORE_FULL` …
 */
export async function openLazyImage(
  context: ImageContext,
  {image: name, platform: wanted, directory}: LazyImageRequest,
  options: LazyImageOptions,
): Promise<OpenedLazyImage> {
  const reference = parseReference(name);
  const platform = wanted === undefined ? context.hostPlatform : parsePlatform(wanted);
  options.onEvent?.({type: 'reference:resolving', reference: familiarReference(reference)});
  const resolved = await resolveImage(await context.registry(), {reference, platform}, options);
  if (wanted !== undefined) requirePlatform(resolved, reference, platform);
  const {manifest, config, layers: records} = resolved;
  const layers = records.flatMap((record, position) => {
    const descriptor = manifest.layers[position];
    return descriptor ? [{record, descriptor}] : [];
  });
  const found = await openVirtualLayers(context, {reference, layers}, options);
  using opening = new DisposableStack();
  const files: ServedFile[] = [];
  const served = new Map<string, ServedLayer>();
  for (const {record, layer} of found) {
    const {fileBytes, whiteouts, directories} = layer;
    served.set(record.blobDigest, {file: files.length, fileBytes, whiteouts, directories});
    files.push(openFile(layer, {record, directory, opening}, options));
  }
  const opened = opening.move();
  return {
    image: {
      ...{reference, config, imageId: manifest.config.digest},
      layers: layers.map((layer) => ({...layer, served: served.get(layer.record.blobDigest) ?? null})),
    },
    files,
    [Symbol.dispose]: () => opened.dispose(),
  };
}

interface LayersToOpen {
  readonly reference: Reference;
  readonly layers: readonly {readonly record: LayerRecord; readonly descriptor: Descriptor}[];
}

interface FoundLayer {
  readonly record: LayerRecord;
  readonly layer: VirtualLayer;
}

/** Each layer once; those of which parts cannot be had are left out. */
async function openVirtualLayers(
  {store, registry}: ImageContext,
  {reference, layers}: LayersToOpen,
  options: CallOptions,
): Promise<readonly FoundLayer[]> {
  const found: FoundLayer[] = [];
  const distinct = [...new Map(layers.map((layer) => [layer.record.blobDigest, layer])).values()];
  const tasks = distinct.map(({record, descriptor}) => async () => {
    const format = findChunkedFormat(descriptor);
    const {blobDigest: digest, blobBytes: size, diffId} = record;
    if (format === null || findStored(store, record) || store.blobs.has({digest, size})) return;
    try {
      const parts = openRegistryParts(await registry(), {reference, descriptor}, options);
      const layer = await openVirtualLayer({parts, format, diffId});
      if (layer) found.push({record, layer});
    } catch (error) {
      if (!isWinchError(error, 'RANGE_UNSUPPORTED')) throw nameLayer(error, record);
      const message = `${reference.registry} gives blobs only whole`;
      options.onEvent?.({type: 'warning:raised', code: 'RANGE_UNSUPPORTED', message});
    }
  });
  await runTogether(tasks, {limit: TABLES_AT_ONCE, signal: options.signal});
  return found;
}

interface FilePlace {
  readonly record: LayerRecord;
  readonly directory: string;
  readonly opening: DisposableStack;
}

function openFile(
  layer: VirtualLayer,
  {record, directory, opening}: FilePlace,
  {onFailure}: LazyImageOptions,
): ServedFile {
  const path = join(directory, `lazy-${record.blobDigest.replace(':', '-')}`);
  const fd = openUnnamed(path);
  opening.defer(() => closeSync(fd));
  const file = openLazyFile(layer, {fd, path});
  const read: ServedFile['read'] = async (offset, length) => {
    try {
      return await file.read(offset, length);
    } catch (error) {
      onFailure(describeFailure(nameLayer(error, record), record));
      throw error;
    }
  };
  return {size: file.size, read};
}

/** A file that goes with the process that has it open. */
function openUnnamed(path: string): number {
  try {
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return fd;
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Those of the network do not say what they are about. */
function describeFailure(error: unknown, {blobDigest}: LayerRecord): unknown {
  if (!isWinchError(error) || error.message.includes(blobDigest)) return error;
  return reword(error, {message: `layer ${blobDigest}: ${error.message}`});
}
