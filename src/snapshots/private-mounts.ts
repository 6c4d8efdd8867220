import {Worker} from 'node:worker_threads';
import {WinchError} from '../errors.ts';
import type {PrivateMountsReply, PrivateMountsRequest} from './private-mounts-worker.ts';

/**
 * Carries out mounts in a thread with a mount namespace of its own, to find out whether they succeed. Nothing stays
 * mounted.
 *
 * @throws {WinchError} `NAMESPACE_DENIED` | `MOUNT_UNSUPPORTED` | `MOUNT_FAILED` …
 */
export async function tryPrivateMounts(request: PrivateMountsRequest): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./private-mounts-worker.${extension}`, import.meta.url), {workerData: request});
  try {
    const reply = await new Promise<PrivateMountsReply>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread with private mounts ended without an answer')));
    });
    if (reply.failure) throw new WinchError(reply.failure.code, reply.failure.message, reply.failure.options);
  } finally {
    await worker.terminate();
  }
}
