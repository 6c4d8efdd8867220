/**
 * Milliseconds since some moment: for differences, whatever is done to the machine's clock. `performance.now` would load
 * `node:perf_hooks`, which takes 2 ms of a command that is to take 50.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
