import {rm} from 'node:fs/promises';
import {extname} from 'node:path';
import type {ResourceLimits} from 'node:worker_threads';
import {hasErrno} from '../errors.ts';
import type {GrowingFile, GrowingFileView} from '../host/growing-file.ts';
import type {RegionToHash} from '../host/hash-region.ts';
import {openWorkerPool, type WorkerPool} from '../host/worker-pool.ts';
import type {Digest} from '../oci/digest.ts';
import type {ByteString} from './byte-string.ts';
import type {LayerToExtract} from './extract-layer.ts';
import type {MergedFile, MergeRequest} from './merged-index.ts';
import type {LayerToVerify, VerifiedLayer} from './verify-layer.ts';
import type {WriteLayerOptions, WrittenLayer} from './write-layer.ts';
import type {SkippedFiles} from './write-rootfs.ts';

export type {LayerFault, LayerToVerify, VerifiedLayer} from './verify-layer.ts';
export type {WrittenLayer} from './write-layer.ts';

/** What is to become a layer file. */
export interface LayerRequest extends Omit<WriteLayerOptions, 'signal'> {
  /** The compressed blob, which may still be arriving. */
  readonly source: GrowingFile;
  /** Where the layer file goes; must not exist. */
  readonly path: string;
  readonly expectedDiffId: Digest;
}

/** A part of a file to hash, and where to count the bytes that are read of it. */
export interface HashRequest extends RegionToHash {
  /** One number in memory that threads share. */
  readonly counter?: BigInt64Array | undefined;
}

/** Worker threads that write layer files and check them, one each at a time. */
export interface LayerPool extends AsyncDisposable {
  /**
   * As `writeLayerFile`, on a thread of its own once there are bytes to read.
   *
   * @throws {WinchError} what `writeLayerFile` and the source throw, and `WORKER_FAILED`; `path` is gone then.
   */
  write(request: LayerRequest, options?: {readonly signal?: AbortSignal | undefined}): Promise<WrittenLayer>;
  /** As `hashRegion`, on a thread of its own. */
  hash(request: HashRequest, options?: {readonly signal?: AbortSignal | undefined}): Promise<Digest>;
  /** As `verifyLayerIndex`, on a thread of its own. */
  verify(layer: LayerToVerify, options?: {readonly signal?: AbortSignal | undefined}): Promise<VerifiedLayer>;
  /** As `writeMergedIndex`, on a thread of its own. */
  merge(chain: MergeRequest, options?: {readonly signal?: AbortSignal | undefined}): Promise<boolean>;
  /** As `verifyMergedIndex`, on a thread of its own. */
  verifyMerged(merged: MergedFile, options?: {readonly signal?: AbortSignal | undefined}): Promise<boolean>;
  /** As `extractLayer`, on a thread of its own. What a failed call has written is the caller's to remove. */
  extract(layer: LayerToExtract, options?: {readonly signal?: AbortSignal | undefined}): Promise<SkippedFiles>;
  /** As `verifyExtracted`, on a thread of its own. */
  verifyExtracted(
    layer: LayerToExtract,
    options?: {readonly signal?: AbortSignal | undefined},
  ): Promise<ByteString | null>;
  /** Ends every thread; writes under way reject. Idempotent. */
  close(): Promise<void>;
}

/** What a worker is asked for. */
export type LayerWork =
  | LayerWriting
  | {readonly verify: LayerToVerify}
  | {readonly hash: HashRequest}
  | MergingWork
  | ExtractionWork;

export type MergingWork = {readonly merge: MergeRequest} | {readonly verifyMerged: MergedFile};

export type ExtractionWork = {readonly extract: LayerToExtract} | {readonly verifyExtracted: LayerToExtract};

export type LayerReply = WrittenLayer | VerifiedLayer | Digest | ByteString | null | SkippedFiles | boolean;

/** A {@link LayerRequest} as it travels to the worker. */
interface LayerWriting {
  readonly view: GrowingFileView;
  readonly path: string;
  readonly options: Omit<WriteLayerOptions, 'signal'>;
}

/** A layer with millions of entries ends in WORKER_FAILED and not in a machine without memory. */
const HEAP_LIMIT_MEBIBYTES = 1024;
/** Reading an index leaves much garbage at once, for which V8 would take 48 MiB. */
const EXTRACTION_YOUNG_MEBIBYTES = 8;

/** Opens a pool of at most `size` threads; none is started before the first layer. */
export function openLayerPool({size}: {readonly size: number}): LayerPool {
  const pool = openThreads(size, {maxOldGenerationSizeMb: HEAP_LIMIT_MEBIBYTES});
  const extraction = openThreads(size, {
    maxOldGenerationSizeMb: HEAP_LIMIT_MEBIBYTES,
    maxYoungGenerationSizeMb: EXTRACTION_YOUNG_MEBIBYTES,
  });
  const close = async () => {
    await Promise.all([pool.close(), extraction.close()]);
  };
  return {
    write: async ({source, path, ...options}, {signal} = {}) => {
      const {view} = source;
      pool.prepare();
      // A registry may take its time, and others have layers that could be refused meanwhile.
      await source.begun(signal);
      try {
        return (await pool.call({view, path, options}, {transfer: [view.port], signal})) as WrittenLayer;
      } catch (error) {
        // A thread that died could not remove its file.
        if (!hasErrno(error, 'EEXIST')) await rm(path, {force: true});
        throw error;
      }
    },
    hash: async (hash, {signal} = {}) => (await pool.call({hash}, {signal})) as Digest,
    verify: async (verify, {signal} = {}) => (await pool.call({verify}, {signal})) as VerifiedLayer,
    merge: async (merge, {signal} = {}) => (await pool.call({merge}, {signal})) as boolean,
    verifyMerged: async (verifyMerged, {signal} = {}) => (await pool.call({verifyMerged}, {signal})) as boolean,
    extract: async (extract, {signal} = {}) => (await extraction.call({extract}, {signal})) as SkippedFiles,
    verifyExtracted: async (verifyExtracted, {signal} = {}) =>
      (await extraction.call({verifyExtracted}, {signal})) as ByteString | null,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const openThreads = (size: number, resourceLimits: ResourceLimits): WorkerPool<LayerWork, LayerReply> =>
  openWorkerPool({
    // Published files are .js, sources .ts.
    url: new URL(`./layer-worker${extname(import.meta.url)}`, import.meta.url),
    size,
    resourceLimits,
  });
