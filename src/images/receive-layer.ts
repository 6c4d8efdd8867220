import {isWinchError, reword, type WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {createGrowingFile, type GrowingFile} from '../host/growing-file.ts';
import {familiarReference, type Reference} from '../oci/reference.ts';
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
  /**
   * Downloads what is not here yet and verifies the blob; once.
   *
   * @returns bytes downloaded
   */
  receive(signal: AbortSignal): Promise<number>;
  /** Settles as `receive` does. */
  readonly received: Promise<number>;
  commit(): Promise<void>;
  /**
   * After a failure: keeps what the next attempt can go on from, and removes the rest.
   *
   * @param error null: it is not about this blob.
   */
  leave(error: unknown): Promise<void>;
}

export interface ReceptionOptions extends CallOptions {
  /** Whether only the registry itself is asked. */
  readonly avoidsMirrors?: boolean;
}

/** The caller holds the blob's lock. */
export async function openReception(
  {store, registry}: ImageContext,
  {reference, layer}: BlobToFetch,
  {onEvent, avoidsMirrors = false}: ReceptionOptions,
): Promise<Reception> {
  const {blobDigest: digest, blobBytes: size, mediaType} = layer;
  const ingest = await store.blobs.openIngest({digest, size});
  const growing = createGrowingFile(ingest.path, size);
  const received = Promise.withResolvers<number>();
  received.promise.catch(() => {});
  const onReceived = (receivedBytes: number) => {
    growing.advance(receivedBytes);
    onEvent?.({type: 'blob:received', digest, receivedBytes, totalBytes: size});
  };
  const receive = async (signal: AbortSignal) => {
    const openFrom = async (offset: number) => {
      if (offset > 0) onEvent?.({type: 'blob:resumed', digest, offset, totalBytes: size});
      const options = {offset, avoidsMirrors, signal, onEvent};
      return await (await registry()).openBlob(reference, {mediaType, digest, size}, options);
    };
    try {
      const bytes = await ingest.receive(openFrom, {signal, onReceived});
      growing.complete();
      received.resolve(bytes);
      return bytes;
    } catch (error) {
      growing.fail(error);
      received.reject(error);
      throw error;
    }
  };
  const leave = async (error: unknown) => {
    if (isWinchError(error, 'STORE_FULL')) await ingest.giveBack();
    const isUseless = isWinchError(error) && error.kind === 'refused';
    if (isUseless || store.blobs.partialBytes(digest) === 0) await ingest.discard();
  };
  return {growing, receive, received: received.promise, commit: ingest.commit, leave};
}

/**
 * Downloads a blob once more when its bytes have another digest, then from the registry itself: bits flip on the way,
 * mirrors err, and what the download began with may have been damaged here.
 *
 * @throws {WinchError} `DIGEST_MISMATCH` after the second download, and whatever `download` throws.
 */
export async function withSecondDownload(
  {reference, layer}: BlobToFetch,
  options: CallOptions,
  download: (options: ReceptionOptions) => Promise<number>,
): Promise<number> {
  try {
    return await download(options);
  } catch (error) {
    if (!isWrongBlob(error, layer)) throw error;
    const reason = `the bytes of ${layer.blobDigest} have another digest`;
    options.onEvent?.({type: 'request:retrying', host: reference.registry, reason, attempt: 1, delayMs: 0});
  }
  try {
    return await download({...options, avoidsMirrors: true});
  } catch (error) {
    throw isWrongBlob(error, layer) ? wrongTwice({reference, layer}, error) : error;
  }
}

/** A layer's content is checked as well, and by the same code. */
const isWrongBlob = (error: unknown, {blobDigest}: BlobRecord): error is WinchError =>
  isWinchError(error, 'DIGEST_MISMATCH') && error.details.expected === blobDigest;

const isConfig = ({mediaType}: BlobRecord): boolean => /\.(?:config|image)\.v1\+json$/.test(mediaType);

function wrongTwice({reference, layer}: BlobToFetch, error: WinchError): WinchError {
  const part = isConfig(layer) ? 'config' : 'layer';
  const subject = `${part} ${layer.blobDigest} of ${familiarReference(reference)}`;
  return reword(error, {message: `${subject} does not match: got ${error.details.actual} after 2 downloads`});
}
