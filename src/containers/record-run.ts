import {join} from 'node:path';
import {recordEvents} from '../store/event-log.ts';
import type {ContainerContext} from './context.ts';
import {volatileParent} from './directories.ts';
import {readNetworks} from './networks/read-networks.ts';
import {containerEvent, type EventSubject, networkEvents} from './record-events.ts';

/**
 * Tells that a run in the foreground has begun.
 *
 * @returns what tells how it has ended.
 */
export function recordRun(context: ContainerContext, subject: EventSubject): (exitCode: number) => void {
  const {store, now} = context;
  const startedMs = now();
  const {networks} = readNetworks(join(volatileParent(context), subject.id));
  const begun = [
    containerEvent(subject, {action: 'create'}),
    ...networkEvents(subject, networks, {action: 'connect'}),
    containerEvent(subject, {action: 'start'}),
  ];
  recordEvents(store.paths, begun, startedMs);
  return (exitCode) => {
    const execDuration = String(Math.floor((now() - startedMs) / 1000));
    const ended = [
      containerEvent(subject, {action: 'die', attributes: {exitCode: String(exitCode), execDuration}}),
      ...networkEvents(subject, networks, {action: 'disconnect'}),
      containerEvent(subject, {action: 'destroy'}),
    ];
    recordEvents(store.paths, ended, now());
  };
}
