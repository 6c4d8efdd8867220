import type {CallOptions} from '../events.ts';
import type {ImageContext} from './context.ts';
import {lockBlob} from './lock-blob.ts';
import {type BlobToFetch, openReception, type ReceptionOptions, withSecondDownload} from './receive-layer.ts';

/**
 * Downloads one blob and writes no layer file.
 *
 * Another process that is at it already is waited for, and its result is used; where it dies, this one goes on at its
 * last byte.
 *
 * @returns bytes downloaded
 */
export async function fetchBlob(context: ImageContext, work: BlobToFetch, options: CallOptions): Promise<number> {
  const {blobDigest: digest, blobBytes: size} = work.layer;
  const {onEvent} = options;
  using _blob = await lockBlob(context, work.layer, options);
  if (context.store.blobs.has({digest, size})) {
    onEvent?.({type: 'blob:present', digest, size});
    return 0;
  }
  onEvent?.({type: 'blob:started', digest, totalBytes: size});
  const bytes = await withSecondDownload(work, options, (again) => download(context, work, again));
  onEvent?.({type: 'blob:stored', digest, size});
  return bytes;
}

async function download(context: ImageContext, work: BlobToFetch, options: ReceptionOptions): Promise<number> {
  const reception = await openReception(context, work, options);
  try {
    const bytes = await reception.receive(options.signal ?? new AbortController().signal);
    await reception.commit();
    return bytes;
  } catch (error) {
    await reception.leave(options.signal?.aborted ? null : error);
    throw error;
  }
}
