import type {CallOptions} from '../events.ts';
import type {ImageContext} from './context.ts';
import {type BlobToFetch, openReception} from './receive-layer.ts';

/**
 * Downloads one blob and writes no layer file.
 *
 * Another process that is at it already is waited for, and its result is used.
 *
 * @returns bytes downloaded
 */
export async function fetchBlob(context: ImageContext, work: BlobToFetch, options: CallOptions): Promise<number> {
  const {blobDigest: digest, blobBytes: size} = work.layer;
  const {onEvent, signal} = options;
  const onWait = () => onEvent?.({type: 'blob:waiting', digest});
  using _blob = await context.store.lock('blob', digest, {signal, onWait});
  if (context.store.blobs.has({digest, size})) {
    onEvent?.({type: 'blob:present', digest, size});
    return 0;
  }
  onEvent?.({type: 'blob:started', digest, totalBytes: size});
  const reception = await openReception(context, work, options);
  try {
    await reception.receive(signal ?? new AbortController().signal);
    await reception.commit();
  } finally {
    await reception.discard();
  }
  onEvent?.({type: 'blob:stored', digest, size});
  return size;
}
