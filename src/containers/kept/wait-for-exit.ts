import {join} from 'node:path';
import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {type Lock, openLockDirectory} from '../../host/locks.ts';
import {monotonicMs} from '../../host/monotonic-ms.ts';
import type {ContainerContext} from '../context.ts';
import {requireContainer} from './find-container.ts';
import {placesOf} from './places.ts';
import {type ContainerState, readState} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import {watchContainer} from './watch-container.ts';

const PATIENCE_MS = 3000;

/**
 * Waits until a container does not run.
 *
 * @returns its exit code, at once for one that has ended; 0 for one that was never started.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS`
 */
export async function waitForContainer(
  context: ContainerContext,
  text: string,
  options: CallOptions = {},
): Promise<number> {
  const record = requireContainer(context, text);
  const known = await readState(context, record);
  // What was seen of an end stays true, whoever removes the container meanwhile: that needs no lock.
  if (known.state === 'exited' && known.lostBecause === null) return known.exitCode ?? 0;
  using _lock = await holdForWaiting(context, record.id, options.signal);
  const state = await waitUntilStopped(context, record, options);
  return state?.exitCode ?? 0;
}

/** As long as it is held, a container that is to go when it ends is given a while for its code to be seen. */
export const holdForWaiting = (context: ContainerContext, id: string, signal: AbortSignal | undefined): Promise<Lock> =>
  waitersOf(context, id).acquire(id, {mode: 'shared', signal});

/** Whoever waits for a container learns its code before it is removed for having ended. */
export async function letWaitersSee(context: ContainerContext, id: string): Promise<void> {
  try {
    using _lock = await waitersOf(context, id).acquire(id, {mode: 'exclusive', timeoutMs: PATIENCE_MS});
  } catch (error) {
    if (!isWinchError(error, 'LOCK_TIMEOUT')) throw error;
  }
}

const waitersOf = (context: ContainerContext, id: string) =>
  openLockDirectory(join(placesOf(context, id).directory, 'waiters'));

/** @returns null: the container was removed. */
export async function waitUntilStopped(
  context: ContainerContext,
  record: KeptRecord,
  {signal, untilMs = Number.POSITIVE_INFINITY}: Pick<CallOptions, 'signal'> & {readonly untilMs?: number},
): Promise<ContainerState | null> {
  using watch = watchContainer(context, record.id);
  for (;;) {
    signal?.throwIfAborted();
    if (!findRecord(context, record.id)) return null;
    const state = await readState(context, record);
    if (state.state !== 'running' || monotonicMs() >= untilMs) return state;
    await watch.change(signal, untilMs - monotonicMs());
  }
}
