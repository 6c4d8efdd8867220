import {setTimeout as sleep} from 'node:timers/promises';
import {isWinchError} from '../../errors.ts';
import type {ContainerContext} from '../context.ts';
import {checkHealth} from './check-health.ts';
import {pauseBeforeCheck, UNCHECKED} from './health-log.ts';
import {placeOfRun} from './health-place.ts';

export interface RunToWatch {
  readonly id: string;
  /** In memory: its bundle. */
  readonly directory: string;
  /** Aborted when it has ended. */
  readonly signal: AbortSignal;
}

/**
 * Checks a run in the foreground again and again, as was noted before it began; the process that stays with it does that
 * by itself.
 */
export async function watchRun(context: ContainerContext, {id, directory, signal}: RunToWatch): Promise<void> {
  const place = placeOfRun(directory);
  if (place === null) return;
  let pauseMs = pauseBeforeCheck(UNCHECKED, place, place.startedMs);
  while (!signal.aborted) {
    await sleep(pauseMs, undefined, {ref: false});
    if (signal.aborted) return;
    try {
      ({pauseMs} = await checkHealth(context, id, {signal, asUser: null}));
    } catch (error) {
      if (signal.aborted) return;
      // It is paused, or is only about to begin.
      if (!isWinchError(error)) throw error;
    }
  }
}
