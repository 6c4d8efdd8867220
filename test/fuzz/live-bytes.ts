import {setImmediate} from 'node:timers/promises';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/**
 * Bytes that are in use in this thread's heap and behind it once all garbage is collected.
 *
 * Resident memory says little of leaks: it grows for long while the allocator of C spreads over its arenas, and V8 over
 * its spaces.
 */
export async function liveBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  // What the first collection finds dead may hold more, and gives it back later.
  await setImmediate();
  collect();
  const {heapUsed, external} = process.memoryUsage();
  return heapUsed + external;
}
