import {setTimeout as sleep} from 'node:timers/promises';
import type {CallOptions} from '../../events.ts';
import type {ContainerContext} from '../context.ts';
import {healthAt, placeOfKept} from '../health/health-place.ts';
import {watchAgain} from '../health/watch-kept.ts';
import {requireContainer} from './find-container.ts';
import {placesOf} from './places.ts';
import {type ContainerState, readStartNote, readState} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import {holdForWaiting, waitForContainer} from './wait-for-exit.ts';
import {watchContainer} from './watch-container.ts';

/**
 * - `not-running`: it does not run, or has never been started
 * - `next-exit`: it ends, which one that does not run has still to begin
 * - `removed`: there is no such container any more
 * - `running`, `paused`, `healthy`, `unhealthy`: it is like that
 */
export type WaitCondition = 'not-running' | 'next-exit' | 'removed' | 'running' | 'paused' | 'healthy' | 'unhealthy';

export interface WaitOptions extends CallOptions {
  /** Absent: `not-running`. */
  readonly condition?: WaitCondition | undefined;
}

const POLL_MS = 100;
/** As podman has it for what is no end. */
const NO_EXIT = -1;
/** As docker has it for what ended while nobody watched. */
const UNSEEN_EXIT = 255;

/**
 * Waits until a container is as the caller wants it.
 *
 * @returns its exit code; -1 for a condition that says nothing of an end.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS`
 */
export async function waitForCondition(
  context: ContainerContext,
  text: string,
  {condition = 'not-running', ...options}: WaitOptions = {},
): Promise<number> {
  if (condition === 'not-running') return await waitForContainer(context, text, options);
  const record = requireContainer(context, text);
  if (condition === 'next-exit') return await waitForNextExit(context, record, options);
  let last = NO_EXIT;
  using watch = watchContainer(context, record.id);
  // Nothing in the store tells of the others.
  const isTold = condition === 'removed' || condition === 'running';
  for (;;) {
    options.signal?.throwIfAborted();
    const current = findRecord(context, record.id);
    if (current === null) return condition === 'removed' ? Math.max(last, 0) : NO_EXIT;
    const state = await readState(context, current);
    if (condition !== 'removed' && fulfills(context, {record: current, state}, condition)) return NO_EXIT;
    last = state.exitCode ?? last;
    await (isTold ? watch.change(options.signal) : sleep(POLL_MS));
  }
}

interface Look {
  readonly record: KeptRecord;
  readonly state: ContainerState;
}

function fulfills(context: ContainerContext, {record, state}: Look, condition: WaitCondition): boolean {
  if (condition === 'paused') return state.isPaused;
  if (state.state !== 'running') return false;
  if (condition === 'running') return true;
  if (state.pid !== null) watchAgain(context, record, state.pid);
  return healthAt(placeOfKept(context, record))?.status === condition;
}

/** One that goes when it ends is kept until its code is seen. */
async function waitForNextExit(context: ContainerContext, record: KeptRecord, {signal}: CallOptions): Promise<number> {
  using _hold = await holdForWaiting(context, record.id, signal);
  const startOf = () => readStartNote(placesOf(context, record.id))?.start;
  using watch = watchContainer(context, record.id);
  const [first, before] = [startOf(), await readState(context, record)];
  for (;;) {
    signal?.throwIfAborted();
    if (!findRecord(context, record.id)) return UNSEEN_EXIT;
    const isNext = before.state === 'running' || startOf() !== first;
    const state = await readState(context, record);
    if (isNext && state.state === 'exited') return state.exitCode ?? UNSEEN_EXIT;
    await watch.change(signal);
  }
}

/**
 * Waits until a container runs, or has run since the call.
 *
 * @returns false: it is gone.
 */
export async function waitForStart(context: ContainerContext, id: string, {signal}: CallOptions): Promise<boolean> {
  const startOf = () => readStartNote(placesOf(context, id))?.start;
  using watch = watchContainer(context, id);
  const first = startOf();
  for (;;) {
    signal?.throwIfAborted();
    const record = findRecord(context, id);
    if (record === null) return false;
    const {state} = await readState(context, record);
    if (state === 'running' || (startOf() !== first && state === 'exited')) return true;
    await watch.change(signal);
  }
}
