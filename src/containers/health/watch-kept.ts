import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {endHealthWatcher, isHealthWatched, startHealthWatcher} from '../../runtime/health-watcher.ts';
import type {ContainerContext} from '../context.ts';
import {volatileDirectory} from '../kept/places.ts';
import {type KeptRecord, readOrNull} from '../kept/record.ts';
import {pauseBeforeCheck, readHealth} from './health-log.ts';
import {placeOfKept} from './health-place.ts';

/** In the container's directory in memory: who watches it, and what checks it. */
const WATCHER_FILE = 'health-watcher';
const COMMAND_FILE = 'health-command.json';

export interface WatchSettings {
  /** The first process of the container. */
  readonly pid: number;
  /** A program and arguments that check it once; see `HealthWatch`. */
  readonly command: readonly string[];
}

/** Has a container checked from its start on. Whoever calls holds its lock. */
export function watchKept(context: ContainerContext, record: KeptRecord, {pid, command}: WatchSettings): void {
  if (!record.health) return;
  const directory = volatileDirectory(context, record.id);
  writeFileSync(join(directory, COMMAND_FILE), JSON.stringify(command), {mode: 0o600});
  start(context, record, {pid, command});
}

/** As `watchKept`, where who watched a container that runs was killed. */
export function watchAgain(context: ContainerContext, record: KeptRecord, pid: number): void {
  if (!record.health) return;
  const directory = volatileDirectory(context, record.id);
  const note = join(directory, WATCHER_FILE);
  if (isHealthWatched({id: record.id, note})) return;
  const command = readOrNull(join(directory, COMMAND_FILE));
  if (command !== null) start(context, record, {pid, command: JSON.parse(command)});
}

/** Ends who watches a container that does not run. */
export function endWatch(context: ContainerContext, record: KeptRecord): void {
  if (!record.health) return;
  const note = join(volatileDirectory(context, record.id), WATCHER_FILE);
  endHealthWatcher({id: record.id, note});
  rmSync(note, {force: true});
}

function start(context: ContainerContext, record: KeptRecord, {pid, command}: WatchSettings): void {
  const {id} = record;
  const directory = volatileDirectory(context, id);
  const place = placeOfKept(context, record);
  if (place === null) return;
  const delayMs = pauseBeforeCheck(readHealth(place.directory), place, context.now());
  const cacheDirectory = join(context.runtimeDirectory, 'compiled');
  startHealthWatcher({id, pid, note: join(directory, WATCHER_FILE), delayMs, command, cacheDirectory});
}
