import {Worker} from 'node:worker_threads';
import {WinchError} from '../errors.ts';
import type {PrivateMountsReply, PrivateMountsRequest} from './private-mounts-worker.ts';

/**
 * Carries out mounts in a thread with a mount namespace of its own and, when asked, copies a tree out of them with its
 * owners, modes, times, hard links, devices and extended attributes. Nothing stays mounted.
 *
 * @throws {WinchError} `NAMESPACE_DENIED` | `MOUNT_UNSUPPORTED` | `MOUNT_FAILED` | `COPY_FAILED` | `STORE_FULL`
 */
export async function usePrivateMounts(
  request: PrivateMountsRequest,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<void> {
  signal?.throwIfAborted();
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./private-mounts-worker.${extension}`, import.meta.url), {workerData: request});
  const stop = () => worker.postMessage('stop');
  signal?.addEventListener('abort', stop, {once: true});
  try {
    const reply = await new Promise<PrivateMountsReply>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread with private mounts ended without an answer')));
    });
    signal?.throwIfAborted();
    if (reply.failure) throw new WinchError(reply.failure.code, reply.failure.message, reply.failure.options);
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
