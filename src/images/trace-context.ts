import type {LayerPool, WrittenLayer} from '../layers/layer-pool.ts';
import type {Lease} from '../store/leases.ts';
import type {Store} from '../store/store.ts';
import {errorCode, measure, type SpanSink, spanClock} from '../trace.ts';
import type {ImageContext} from './context.ts';

type OpenIngest = Store['blobs']['openIngest'];
type BlobDescriptor = Parameters<OpenIngest>[0];
type Ingest = Awaited<ReturnType<OpenIngest>>;

/** Work on the store's own tables follows its kind. */
const DATABASE = {category: 'store', track: 'database'} as const;
/** Waiting for whoever frees space, and freeing it. */
const LEASE = {category: 'store', track: 'lease'} as const;
/** What a trace shows of a digest. */
const DIGEST_LETTERS = 19;

/**
 * A context whose parts measure what they do: waiting for leases, claims and locks, freeing space, receiving, checking
 * and committing blobs, inflating and indexing layers, committing those, merging their indexes, writing to the database.
 */
export const traceContext = (context: ImageContext, onSpan: SpanSink): Pick<ImageContext, 'store' | 'layerPool'> => ({
  store: traceStore(context.store, onSpan),
  layerPool: async () => traceLayerPool(await context.layerPool(), onSpan),
});

function traceStore(store: Store, onSpan: SpanSink): Store {
  return {
    ...store,
    blobs: {
      ...store.blobs,
      openIngest: async (blob) => traceIngest(await store.blobs.openIngest(blob), {blob, onSpan}),
    },
    layers: {
      ...store.layers,
      commit: (diffId) =>
        measure(onSpan, {name: 'commit', category: 'layer', track: diffId}, () => store.layers.commit(diffId)),
    },
    write: (work) => measure(onSpan, {...DATABASE, name: 'transaction'}, () => store.write(work)),
    noteFile: (work) => measure(onSpan, {...DATABASE, name: 'transaction'}, () => store.noteFile(work)),
    lease: async (...words) =>
      traceLease(await measure(onSpan, {...LEASE, name: 'lease'}, () => store.lease(...words)), onSpan),
    readerLease: async (...words) => {
      const lease = await measure(onSpan, {...LEASE, name: 'lease'}, () => store.readerLease(...words));
      return lease && traceLease(lease, onSpan);
    },
    collectGarbage: (...words) =>
      measure(onSpan, {...LEASE, name: 'collect garbage'}, () => store.collectGarbage(...words)),
    lock: (subject, digest, options) =>
      measure(onSpan, {name: 'lock', category: subject, track: digest}, () => store.lock(subject, digest, options)),
  };
}

const traceLease = (lease: Lease, onSpan: SpanSink): Lease => ({
  ...lease,
  claim: (digests) => measure(onSpan, {...LEASE, name: 'claim'}, () => lease.claim(digests)),
});

function traceIngest(
  ingest: Ingest,
  {blob, onSpan}: {readonly blob: BlobDescriptor; readonly onSpan: SpanSink},
): Ingest {
  const {digest, size} = blob;
  const frame = {category: 'blob', track: digest} as const;
  return {
    ...ingest,
    receive: (...[source, options = {}]: Parameters<Ingest['receive']>) => {
      let completeMs: number | null = null;
      const onReceived = (bytes: number) => {
        if (bytes === size) completeMs = spanClock();
        options.onReceived?.(bytes);
      };
      const span = {...frame, name: `receive ${shorten(digest)}`, details: {digest, bytes: size}};
      return measure(onSpan, span, async () => {
        const result = await ingest.receive(source, {...options, onReceived});
        const startMs = completeMs ?? spanClock();
        onSpan({...frame, name: 'verify', startMs, durationMs: spanClock() - startMs, details: {}});
        return result;
      });
    },
    commit: () => measure(onSpan, {...frame, name: 'commit'}, () => ingest.commit()),
  };
}

function traceLayerPool(pool: LayerPool, onSpan: SpanSink): LayerPool {
  return {
    ...pool,
    merge: (chain, options) => {
      const details = {chainId: chain.chainId, layers: chain.layers.length};
      const span = {name: 'merge indexes', category: 'layer', track: chain.chainId, details} as const;
      return measure(onSpan, span, () => pool.merge(chain, options));
    },
    write: async (request, options) => {
      const {expectedDiffId: diffId, mediaType = ''} = request;
      const startMs = spanClock();
      const report = (details: Readonly<Record<string, string | number>>) =>
        onSpan({
          name: `inflate, index ${shorten(diffId)}`,
          category: 'layer',
          track: diffId,
          startMs,
          durationMs: spanClock() - startMs,
          details: {diffId, mediaType, ...details},
        });
      try {
        const written = await pool.write(request, options);
        report(sizesOf(written));
        return written;
      } catch (error) {
        report({error: errorCode(error)});
        throw error;
      }
    },
  };
}

const sizesOf = ({tarBytes, fileBytes, entries, compression}: WrittenLayer) => ({
  tarBytes,
  fileBytes,
  entries,
  compression,
});

const shorten = (digest: string): string => digest.slice(0, DIGEST_LETTERS);
