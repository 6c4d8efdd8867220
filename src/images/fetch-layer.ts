import {isWinchError, reword} from '../errors.ts';
import type {CallOptions, ProcessFacts} from '../events.ts';
import {createGrowingFile, type GrowingFile} from '../host/growing-file.ts';
import {runTogether} from '../host/run-together.ts';
import type {Turn} from '../host/turns.ts';
import type {WrittenLayer} from '../layers/layer-pool.ts';
import {findLayerFile, type LayerRecord, recordLayerFile} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import {hasLayerFileAlone} from './dropped-blobs.ts';
import {lockBlob} from './lock-blob.ts';
import {type LayerToFetch, openReception, type ReceptionOptions, withSecondDownload} from './receive-layer.ts';

export interface LayerInTurn extends LayerToFetch {
  /** Ended as soon as nothing but the disk is waited for. */
  readonly turn?: Turn | undefined;
}

/**
 * Downloads one blob and writes its layer file from the same bytes at the same time.
 *
 * Another process that is at it already is waited for, and its result is used; where it dies, this one goes on at its
 * last byte.
 *
 * @returns bytes downloaded
 */
export async function fetchLayer(context: ImageContext, work: LayerInTurn, options: CallOptions): Promise<number> {
  const {blobDigest, diffId} = work.layer;
  const onWait = (holder: ProcessFacts | null) => options.onEvent?.({type: 'blob:waiting', digest: blobDigest, holder});
  using _blob = await lockBlob(context, work.layer, options);
  using _layer = await context.store.lock('layer', diffId, {signal: options.signal, onWait});
  const needs = missingParts(context, work.layer);
  if (!needs.blob && !needs.layer) {
    options.onEvent?.({type: 'blob:present', digest: blobDigest, size: work.layer.blobBytes});
    return 0;
  }
  if (!needs.blob) {
    await indexStoredBlob(context, work.layer, options);
    return 0;
  }
  options.onEvent?.({type: 'blob:started', digest: blobDigest, totalBytes: work.layer.blobBytes});
  const wanted = {...work, needsLayer: needs.layer};
  const bytes = await withSecondDownload(work, options, (again) => download(context, wanted, again));
  options.onEvent?.({type: 'blob:stored', digest: blobDigest, size: work.layer.blobBytes});
  return bytes;
}

/** Writes the layer file of a blob that is stored, unless somebody has done so meanwhile. */
export async function unpackLayer(context: ImageContext, layer: LayerRecord, options: CallOptions): Promise<void> {
  const onWait = (holder: ProcessFacts | null) =>
    options.onEvent?.({type: 'blob:waiting', digest: layer.blobDigest, holder});
  using _layer = await context.store.lock('layer', layer.diffId, {signal: options.signal, onWait});
  if (missingParts(context, layer).layer) await indexStoredBlob(context, layer, options);
}

/** Which of a layer's blob and file are not both recorded and in their places, unless the blob was dropped. */
export function missingParts({store}: ImageContext, {blobDigest, blobBytes, diffId}: LayerRecord) {
  const file = store.read((database) => findLayerFile(database, diffId), null);
  return {
    blob: !store.blobs.has({digest: blobDigest, size: blobBytes}) && !hasLayerFileAlone(store, blobDigest),
    layer: file === null || !store.layers.has(diffId, file.fileBytes),
  };
}

async function indexStoredBlob(context: ImageContext, layer: LayerRecord, options: CallOptions): Promise<void> {
  const source = createGrowingFile(context.store.blobs.path(layer.blobDigest), layer.blobBytes);
  source.advance(layer.blobBytes);
  source.complete();
  await indexLayer(context, {layer, source}, options);
}

interface Download extends LayerInTurn {
  readonly needsLayer: boolean;
}

async function download(
  context: ImageContext,
  {reference, layer, needsLayer, turn}: Download,
  options: ReceptionOptions,
): Promise<number> {
  const reception = await openReception(context, {reference, layer}, options);
  const staged: StagedLayer[] = [];
  const write = async (signal: AbortSignal) => {
    const work = {layer, source: reception.growing};
    const written = writeLayer(context, work, {...options, signal}).catch(async (error: unknown) => {
      // A damaged download looks like a damaged layer until all of it is here: its digest says what is to blame.
      if (isWinchError(error) && error.kind === 'refused') await reception.received;
      throw error;
    });
    staged.push(await written);
  };
  try {
    await runTogether(needsLayer ? [reception.receive, write] : [reception.receive], {
      limit: 2,
      signal: options.signal,
    });
    turn?.end();
    await runTogether([reception.commit, ...staged.map(({keep}) => keep)], {limit: 2});
    return await reception.received;
  } catch (error) {
    await reception.leave(options.signal?.aborted ? null : error);
    throw error;
  } finally {
    for (const {discard} of staged) discard();
  }
}

export interface IndexWork {
  readonly layer: LayerRecord;
  /** The tar, packed or not. */
  readonly source: GrowingFile;
  /** Absent: as `writeLayerFile` has it. */
  readonly maxUnpackedBytes?: number | undefined;
}

/** Writes and records the layer file of a tar; the caller holds the layer's lock and a lease. */
export async function indexLayer(context: ImageContext, work: IndexWork, options: CallOptions): Promise<void> {
  const {keep, discard} = await writeLayer(context, work, options);
  try {
    await keep();
  } finally {
    discard();
  }
}

/** A layer file that is whole and has no name yet. */
interface StagedLayer {
  /** Makes it durable and records it. */
  keep(): Promise<void>;
  /** Removes it; without effect after `keep`. */
  discard(): void;
}

async function writeLayer(
  context: ImageContext,
  {layer, source, maxUnpackedBytes}: IndexWork,
  options: CallOptions,
): Promise<StagedLayer> {
  const {store} = context;
  const {diffId, mediaType, blobDigest: digest} = layer;
  const path = await store.layers.stage(diffId);
  const discard = () => store.layers.discard(diffId);
  const pool = await context.layerPool();
  const {durability} = store;
  const request = {source, path, expectedDiffId: diffId, mediaType, durability, maxUnpackedBytes};
  const written = await pool.write(request, {signal: options.signal}).catch((error: unknown) => {
    discard();
    throw nameLayer(error, layer);
  });
  for (const message of written.warnings) {
    options.onEvent?.({type: 'warning:raised', code: 'LAYER_CONTENT', message: `${digest}: ${message}`});
  }
  const keep = async () => {
    await store.layers.commit(diffId);
    await store.noteFile((database) => recordLayerFile(database, {diffId, ...recorded(written)}));
    const {entries, tarBytes: unpackedBytes} = written;
    options.onEvent?.({type: 'layer:indexed', digest, diffId, entries, unpackedBytes});
  };
  return {keep, discard};
}

/** An error with the layer that it is about: who reads a layer sees bytes only and cannot say whose they are. */
export function nameLayer(error: unknown, {blobDigest}: Pick<LayerRecord, 'blobDigest'>): unknown {
  if (!isWinchError(error) || (error.kind !== 'refused' && error.code !== 'WORKER_FAILED')) return error;
  if (error.details.expected === blobDigest) return error;
  return reword(error, {message: `layer ${blobDigest}: ${error.message}`, details: {layer: blobDigest}});
}

const recorded = ({tarBytes, fileBytes, entries, whiteouts, directories}: WrittenLayer) => ({
  tarBytes,
  fileBytes,
  entries,
  whiteouts,
  directories,
});
