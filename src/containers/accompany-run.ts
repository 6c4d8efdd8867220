import {join} from 'node:path';
import type {HealthCheck} from '../bundle/health-check.ts';
import {recordEvents} from '../store/event-log.ts';
import type {ContainerContext} from './context.ts';
import {volatileParent} from './directories.ts';
import {containerEvent, type EventSubject, networkEvents, networksAt} from './record-events.ts';

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
  const {store, now} = context;
  const startedMs = now();
  const directory = join(volatileParent(context), run.id);
  const networks = networksAt(directory);
  const begun = [
    containerEvent(run, {action: 'create'}),
    ...networkEvents(run, networks, {action: 'connect'}),
    containerEvent(run, {action: 'start'}),
  ];
  recordEvents(store.paths, begun, startedMs);
  const ending = new AbortController();
  if (run.health) {
    const {watchRun} = await import('./health/watch-run.ts');
    watchRun(context, {id: run.id, directory, check: run.health, signal: ending.signal}).catch(() => {});
  }
  return (exitCode) => {
    ending.abort();
    const execDuration = String(Math.floor((now() - startedMs) / 1000));
    const ended = [
      containerEvent(run, {action: 'die', attributes: {exitCode: String(exitCode), execDuration}}),
      ...networkEvents(run, networks, {action: 'disconnect'}),
      containerEvent(run, {action: 'destroy'}),
    ];
    recordEvents(store.paths, ended, now());
  };
}
