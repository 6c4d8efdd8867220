import {setTimeout as sleep} from 'node:timers/promises';
import type {HealthCheck} from '../../bundle/health-check.ts';
import {isWinchError} from '../../errors.ts';
import type {ContainerContext} from '../context.ts';
import {checkHealth} from './check-health.ts';
import {pauseBeforeCheck, UNCHECKED} from './health-log.ts';
import {noteRunCheck} from './health-place.ts';

export interface RunToWatch {
  readonly id: string;
  /** In memory: its bundle. */
  readonly directory: string;
  readonly check: HealthCheck;
  /** Aborted when it has ended. */
  readonly signal: AbortSignal;
}

/** Checks a run in the foreground again and again; the process that stays with it does that by itself. */
export async function watchRun(context: ContainerContext, {id, directory, check, signal}: RunToWatch): Promise<void> {
  const timing = {check, startedMs: context.now()};
  noteRunCheck(directory, timing);
  let pauseMs = pauseBeforeCheck(UNCHECKED, timing, timing.startedMs);
  while (!signal.aborted) {
    await sleep(pauseMs, undefined, {ref: false});
    if (signal.aborted) return;
    try {
      ({pauseMs} = await checkHealth(context, id, {signal}));
    } catch (error) {
      if (signal.aborted) return;
      // It is paused, or is only about to begin.
      if (!isWinchError(error)) throw error;
    }
  }
}
