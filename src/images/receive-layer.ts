import type {CallOptions} from '../events.ts';
import {createGrowingFile, type GrowingFile} from '../host/growing-file.ts';
import type {Reference} from '../oci/reference.ts';
import type {LayerRecord} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';

/** What a registry is asked for. */
export interface BlobToFetch {
  readonly reference: Reference;
  readonly layer: BlobRecord;
}

export type BlobRecord = Pick<LayerRecord, 'blobDigest' | 'blobBytes' | 'mediaType'>;

export interface LayerToFetch extends BlobToFetch {
  readonly layer: LayerRecord;
}

/** A blob on its way from the registry into the store, readable while it arrives. */
export interface Reception {
  readonly growing: GrowingFile;
  /** Downloads and verifies the blob; once. */
  receive(signal: AbortSignal): Promise<void>;
  /** Settles as `receive` does. */
  readonly received: Promise<void>;
  commit(): Promise<void>;
  /** Removes what is not committed. */
  discard(): Promise<void>;
}

/** The caller holds the blob's lock. */
export async function openReception(
  {store, registry}: ImageContext,
  {reference, layer}: BlobToFetch,
  {onEvent}: CallOptions,
): Promise<Reception> {
  const {blobDigest: digest, blobBytes: size, mediaType} = layer;
  const ingest = await store.blobs.openIngest({digest, size});
  const growing = createGrowingFile(ingest.path, size);
  const received = Promise.withResolvers<void>();
  received.promise.catch(() => {});
  const onReceived = (receivedBytes: number) => {
    growing.advance(receivedBytes);
    onEvent?.({type: 'blob:received', digest, receivedBytes, totalBytes: size});
  };
  const receive = async (signal: AbortSignal) => {
    try {
      const source = await (await registry()).openBlob(reference, {mediaType, digest, size}, {signal});
      await ingest.receive(source, {signal, onReceived});
      growing.complete();
      received.resolve();
    } catch (error) {
      growing.fail(error);
      received.reject(error);
      throw error;
    }
  };
  return {growing, receive, received: received.promise, commit: ingest.commit, discard: ingest.discard};
}
