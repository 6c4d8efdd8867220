import {rm} from 'node:fs/promises';
import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions, EventSink, ProcessFacts} from '../../events.ts';
import {createGrowingFile} from '../../host/growing-file.ts';
import type {FileSet} from '../../media/file-set.ts';
import {OCI_LAYER_ZSTD} from '../../oci/media-types.ts';
import type {LayerRecord} from '../../store/image-records.ts';
import type {ImageContext} from '../context.ts';
import {indexLayer, missingParts} from '../fetch-layer.ts';
import {layerObject} from './cache-directory.ts';

export interface LayerToRestore {
  readonly files: FileSet;
  readonly layer: LayerRecord;
  /** What its tar may have. */
  readonly tarBytes: number;
}

const LOOK_EVERY_MS = 250;

/** `bytes` were read from the cache. */
export type RestoredLayer =
  | {readonly outcome: 'restored'; readonly bytes: number}
  | {readonly outcome: 'present'}
  | {readonly outcome: 'damaged'; readonly error: WinchError};

/**
 * Writes a layer file anew from the tar in a cache, which must have the diff id. The index over it is made here, never
 * read from the cache. What turns out to be damaged is taken out of the cache where that can be, so that the next save
 * writes it again.
 */
export async function restoreLayer(
  context: ImageContext,
  {files, layer, tarBytes}: LayerToRestore,
  options: CallOptions,
): Promise<RestoredLayer> {
  const {onEvent, signal} = options;
  const {blobDigest: digest, diffId} = layer;
  const onWait = (holder: ProcessFacts | null) => onEvent?.({type: 'blob:waiting', digest, holder});
  using _layer = await context.store.lock('layer', diffId, {signal, onWait});
  if (!missingParts(context, layer).layer) {
    onEvent?.({type: 'blob:present', digest, size: layer.blobBytes});
    return {outcome: 'present'};
  }
  try {
    const region = await files.find(layerObject(diffId));
    if (region === null) throw damaged(files.name, 'is missing');
    if (region.size > packedLimit(tarBytes)) throw damaged(files.name, 'has more bytes than it can need');
    onEvent?.({type: 'blob:started', digest, totalBytes: layer.blobBytes});
    const source = createGrowingFile(region.path, region.size);
    source.advance(region.size);
    source.complete();
    const work = {layer: {...layer, mediaType: OCI_LAYER_ZSTD}, source, maxUnpackedBytes: tarBytes};
    await reporting(context, {layer, tarBytes, onEvent}, () => indexLayer(context, work, options));
    onEvent?.({type: 'blob:stored', digest, size: layer.blobBytes, from: 'cache'});
    return {outcome: 'restored', bytes: region.size};
  } catch (error) {
    if (!isWinchError(error) || error.kind !== 'refused') throw error;
    const path = files.wholeFile(layerObject(diffId));
    if (path !== null) await rm(path, {force: true}).catch(() => {});
    return {outcome: 'damaged', error};
  }
}

interface Report {
  readonly layer: LayerRecord;
  readonly tarBytes: number;
  readonly onEvent: EventSink | undefined;
}

/** Tells how far the layer file has got, as a share of the compressed layer. */
async function reporting({store}: ImageContext, report: Report, work: () => Promise<void>): Promise<void> {
  const {onEvent, tarBytes, layer} = report;
  const {blobDigest: digest, blobBytes: totalBytes, diffId} = layer;
  const tell = () => {
    const share = Math.min(1, store.layers.stagedBytes(diffId) / Math.max(1, tarBytes));
    onEvent?.({type: 'blob:received', digest, receivedBytes: Math.floor(share * totalBytes), totalBytes});
  };
  const timer = onEvent ? setInterval(tell, LOOK_EVERY_MS) : undefined;
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

/** zstd adds less to what it cannot pack; zeros behind its end would be read all the same. */
const packedLimit = (tarBytes: number): number => tarBytes + tarBytes / 64 + 64 * 1024;

const damaged = (cache: string, fault: string): WinchError =>
  new WinchError('CACHE_DAMAGED', `its file in ${cache} ${fault}`, {kind: 'refused'});
