import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {isSystemError} from '../errors.ts';
import {recordEvents} from '../store/event-log.ts';
import type {ContainerContext} from './context.ts';
import {volatileParent} from './directories.ts';
import {readOrNull} from './kept/record.ts';
import {containerEvent, type EventSubject, type NetworkNamed, networkEvents, networksAt} from './record-events.ts';

/** A run in the foreground that has begun, as it is noted in its directory in memory until its end is told. */
interface BegunRun {
  readonly run: EventSubject;
  readonly networks: readonly NetworkNamed[];
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  /** Where the events of its store are: the next command that clears may work on another one. */
  readonly events: string;
}

const BEGUN_FILE = 'begun.json';
/** As docker has it for what ended while nobody watched. */
const UNSEEN_EXIT = 255;

/** Tells that a run in the foreground has begun. */
export function recordRunBegin(
  context: ContainerContext,
  {id, name, image, labels}: EventSubject,
): (exitCode: number) => void {
  const {store, now} = context;
  const run = {id, name, image, labels};
  const directory = join(volatileParent(context), id);
  const begun: BegunRun = {run, networks: networksAt(directory), startedMs: now(), events: store.paths.events};
  noteBegun(directory, begun);
  const happened = [
    containerEvent(run, {action: 'create'}),
    ...networkEvents(run, begun.networks, {action: 'connect'}),
    containerEvent(run, {action: 'start'}),
  ];
  recordEvents(begun, happened, begun.startedMs);
  return (exitCode) => recordRunEnd(directory, begun, {exitCode, nowMs: now()});
}

/** What cannot be noted keeps nothing from running. */
function noteBegun(directory: string, begun: BegunRun): void {
  try {
    writeFileSync(join(directory, BEGUN_FILE), JSON.stringify(begun), {mode: 0o600});
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/** Tells that a run has ended whose winch was killed, unless that was told already. @param directory Its own in memory. */
export function recordLostRun(directory: string, nowMs: number): void {
  const text = readOrNull(join(directory, BEGUN_FILE));
  if (text !== null) recordRunEnd(directory, JSON.parse(text), {exitCode: UNSEEN_EXIT, nowMs});
}

interface RunEnd {
  readonly exitCode: number;
  readonly nowMs: number;
}

function recordRunEnd(
  directory: string,
  {run, networks, startedMs, events}: BegunRun,
  {exitCode, nowMs}: RunEnd,
): void {
  rmSync(join(directory, BEGUN_FILE), {force: true});
  const execDuration = String(Math.floor((nowMs - startedMs) / 1000));
  const ended = [
    containerEvent(run, {action: 'die', attributes: {exitCode: String(exitCode), execDuration}}),
    ...networkEvents(run, networks, {action: 'disconnect'}),
    containerEvent(run, {action: 'destroy'}),
  ];
  recordEvents({events}, ended, nowMs);
}
