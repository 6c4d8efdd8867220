import type {CallOptions, ProcessFacts} from '../events.ts';
import type {Lock} from '../host/locks.ts';
import type {ImageContext} from './context.ts';
import type {BlobRecord} from './receive-layer.ts';

const LOOK_EVERY_MS = 250;
/** Without a further byte; much longer than failures of the network are put up with, and than a layer takes to unpack. */
const PATIENCE_MS = 30 * 60 * 1000;

/**
 * Makes the caller the one who downloads a blob, in all processes.
 *
 * While another one does, its progress is told; when that one ends without the blob, the caller goes on at its last byte.
 *
 * @throws {WinchError} `LOCK_TIMEOUT` when the other one has got no byte further for half an hour: it may be stopped.
 */
export async function lockBlob({store}: ImageContext, layer: BlobRecord, options: CallOptions): Promise<Lock> {
  const {blobDigest: digest, blobBytes: totalBytes} = layer;
  const {signal, onEvent} = options;
  let toldBytes = 0;
  let following: NodeJS.Timeout | undefined;
  const tellProgress = () => {
    const receivedBytes = Math.min(store.blobs.partialBytes(digest), totalBytes);
    if (receivedBytes > toldBytes) onEvent?.({type: 'blob:received', digest, receivedBytes, totalBytes});
    toldBytes = Math.max(toldBytes, receivedBytes);
  };
  const onWait = (holder: ProcessFacts | null) => {
    onEvent?.({type: 'blob:waiting', digest, holder});
    if (onEvent) following = setInterval(tellProgress, LOOK_EVERY_MS);
  };
  try {
    const readProgress = () => store.blobs.partialBytes(digest);
    return await store.lock('blob', digest, {signal, onWait, timeoutMs: PATIENCE_MS, readProgress});
  } finally {
    clearInterval(following);
  }
}
