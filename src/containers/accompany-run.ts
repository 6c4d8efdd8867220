import {join} from 'node:path';
import type {HealthCheck} from '../bundle/health-check.ts';
import type {ContainerContext} from './context.ts';
import {volatileParent} from './directories.ts';
import type {EventSubject} from './record-events.ts';
import {recordRunBegin} from './record-run.ts';

export interface RunToAccompany extends EventSubject {
  /** How it is checked whether it does its work; null: not at all. */
  readonly health: HealthCheck | null;
}

/**
 * Tells that a run in the foreground has begun, and has it checked.
 *
 * @returns what ends that, and tells how it has ended.
 */
export async function accompanyRun(
  context: ContainerContext,
  run: RunToAccompany,
): Promise<(exitCode: number) => void> {
  const recordEnd = recordRunBegin(context, run);
  const ending = new AbortController();
  if (run.health) {
    const {watchRun} = await import('./health/watch-run.ts');
    const directory = join(volatileParent(context), run.id);
    // What is wrong with its checks must not end the run.
    watchRun(context, {id: run.id, directory, check: run.health, signal: ending.signal}).catch(() => {});
  }
  return (exitCode) => {
    ending.abort();
    recordEnd(exitCode);
  };
}
