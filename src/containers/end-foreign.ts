import {killAsOwner} from '../host/kill-as-owner.ts';
import type {Runtime} from '../runtime/runtime.ts';

/**
 * Ends the first process of a container that root of another user namespace has started for the same user: there it may
 * have been somebody else, whom the runtime of this one may not end.
 */
export async function endForeign(runtime: Runtime, id: string): Promise<void> {
  const state = await runtime.readState(id);
  if (state !== null && state.status !== 'stopped' && state.pid > 0) await killAsOwner(state.pid);
}
