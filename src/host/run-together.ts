export interface TogetherOptions {
  /** How many run at once; at least 1. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/** Work that stops when its signal is aborted. */
export type Task = (signal: AbortSignal) => Promise<unknown>;

/**
 * Runs tasks in order, a limited number at once.
 *
 * The first failure (or the caller's abort) aborts the others; every started task has settled when this rejects with
 * the first failure.
 */
export async function runTogether(tasks: readonly Task[], {limit, signal}: TogetherOptions): Promise<void> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', abort, {once: true});
  const queue = tasks.values();
  const runQueue = async () => {
    for (const task of queue) {
      controller.signal.throwIfAborted();
      try {
        await task(controller.signal);
      } catch (error) {
        controller.abort(error);
        throw error;
      }
    }
  };
  try {
    await Promise.allSettled(Array.from({length: Math.min(limit, tasks.length)}, runQueue));
    controller.signal.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
