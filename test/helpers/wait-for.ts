import {setTimeout as sleep} from 'node:timers/promises';

const PAUSE_MS = 20;
const PATIENCE_MS = 15_000;

/** Waits until `condition` holds; fails when that takes too long. */
export async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`it did not come about within ${PATIENCE_MS} ms: ${condition}`);
    await sleep(PAUSE_MS);
  }
}
