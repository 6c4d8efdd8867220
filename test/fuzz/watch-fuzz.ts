import {Worker} from 'node:worker_threads';
import type {FuzzOptions, FuzzReport} from './fuzz-layers.ts';

export type WatchedFuzz = Omit<FuzzOptions, 'onInput'>;

/** Far above what the slowest input takes, on a machine that has much else to do. */
const INPUT_LIMIT_MS = 60_000;
const LOOK_MS = 500;

/**
 * As `fuzzLayers`, on a thread of its own that can be ended.
 *
 * @throws {Error} with the number of the input that never ends, or that ends the thread.
 */
export async function watchFuzz(options: WatchedFuzz): Promise<FuzzReport> {
  const progress = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(new URL('fuzz-worker.ts', import.meta.url), {workerData: {...options, progress}});
  const report = Promise.withResolvers<FuzzReport>();
  const at = () => Atomics.load(progress, 0);
  worker.on('message', report.resolve);
  worker.on('error', (error) => report.reject(new Error(`input ${at()} ends the thread`, {cause: error})));
  worker.on('exit', (code) => report.reject(new Error(`the thread exits with ${code} at input ${at()}`)));
  let last = {input: -1, since: performance.now()};
  const watch = setInterval(() => {
    const input = at();
    if (input !== last.input) last = {input, since: performance.now()};
    else if (performance.now() - last.since > INPUT_LIMIT_MS) report.reject(new Error(`input ${input} never ends`));
  }, LOOK_MS);
  try {
    return await report.promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}
