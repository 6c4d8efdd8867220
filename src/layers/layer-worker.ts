import {readGrowingFile} from '../host/growing-file.ts';
import {hashRegion} from '../host/hash-region.ts';
import {answerRequests} from '../host/worker-protocol.ts';
import type {ByteString} from './byte-string.ts';
import type {ExtractionWork, HashRequest, LayerReply, LayerWork, MergingWork} from './layer-pool.ts';
import {verifyLayerIndex} from './verify-layer.ts';
import {writeLayerFile} from './write-layer.ts';
import type {SkippedFiles} from './write-rootfs.ts';

answerRequests<LayerWork, LayerReply>(async (work, {signal}) => {
  if ('hash' in work) return hashCounting(work.hash, signal);
  if ('verify' in work) return verifyLayerIndex(work.verify, {signal});
  if ('merge' in work || 'verifyMerged' in work) return merging(work);
  if ('extract' in work || 'verifyExtracted' in work) return extracting(work, signal);
  // A refused layer leaves its source waiting for bytes that nobody needs any more.
  const done = new AbortController();
  const source = readGrowingFile(work.view, {signal: AbortSignal.any([signal, done.signal])});
  try {
    return await writeLayerFile(source, work.path, {...work.options, signal});
  } finally {
    done.abort();
  }
});

/** Few machines extract, and the calls that it takes need not be loaded on others. */
async function extracting(work: ExtractionWork, signal: AbortSignal): Promise<ByteString | null | SkippedFiles> {
  const {extractLayer, verifyExtracted} = await import('./extract-layer.ts');
  if ('verifyExtracted' in work) return verifyExtracted(work.verifyExtracted, {signal});
  return extractLayer(work.extract, {signal});
}

/** Few images have so many layers. */
async function merging(work: MergingWork): Promise<boolean> {
  const {verifyMergedIndex, writeMergedIndex} = await import('./merged-index.ts');
  return 'merge' in work ? writeMergedIndex(work.merge) : verifyMergedIndex(work.verifyMerged);
}

const hashCounting = ({counter, ...region}: HashRequest, signal: AbortSignal) =>
  hashRegion(region, {signal, onRead: (bytes) => counter && Atomics.add(counter, 0, BigInt(bytes))});
