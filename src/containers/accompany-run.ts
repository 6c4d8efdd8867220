import {join} from 'node:path';
import type {ContainerContext} from './context.ts';
import {volatileParent} from './directories.ts';
import {nameFromId} from './random-name.ts';
import type {EventSubject} from './record-events.ts';
import {recordRunBegin} from './record-run.ts';

export interface RunToAccompany extends EventSubject {
  /** Whether it was noted how it is to be checked. */
  readonly isChecked: boolean;
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
  const recordEnd = recordRunBegin(context, {...run, name: run.name ?? nameFromId(run.id)});
  const ending = new AbortController();
  if (run.isChecked) {
    const {watchRun} = await import('./health/watch-run.ts');
    const directory = join(volatileParent(context), run.id);
    // What is wrong with its checks must not end the run.
    watchRun(context, {id: run.id, directory, signal: ending.signal}).catch(() => {});
  }
  return (exitCode) => {
    ending.abort();
    recordEnd(exitCode);
  };
}
