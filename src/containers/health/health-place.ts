import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {HealthCheck} from '../../bundle/health-check.ts';
import type {ContainerContext} from '../context.ts';
import {placesOf} from '../kept/places.ts';
import {readStartNote} from '../kept/read-state.ts';
import {findRecord, type KeptRecord, readOrNull} from '../kept/record.ts';
import {type ContainerHealth, type HealthTiming, readHealth} from './health-log.ts';

/** How a container is checked, and where it is noted how that went. */
export interface HealthPlace extends HealthTiming {
  /** Of its last start; of a run in the foreground, its directory in memory. */
  readonly directory: string;
}

export interface HealthSubject {
  readonly id: string;
  /** In memory: its bundle. */
  readonly directory: string;
}

/** In the directory of a run in the foreground. */
const CHECK_FILE = 'health-check.json';

/** @returns null: it is not checked, or has never been started. */
export function findHealthPlace(context: ContainerContext, {id, directory}: HealthSubject): HealthPlace | null {
  const record = findRecord(context, id);
  return record === null ? placeOfRun(directory) : placeOfKept(context, record);
}

/** As `findHealthPlace`. */
export function placeOfKept(context: ContainerContext, {id, health}: KeptRecord): HealthPlace | null {
  const places = placesOf(context, id);
  const note = health ? readStartNote(places) : null;
  if (!health || note === null) return null;
  return {check: health, startedMs: Date.parse(note.startedAt), directory: join(places.starts, note.start)};
}

/** As `findHealthPlace`. @param directory The run's directory in memory. */
export function placeOfRun(directory: string): HealthPlace | null {
  const text = readOrNull(join(directory, CHECK_FILE));
  return text === null ? null : {...(JSON.parse(text) as HealthTiming), directory};
}

/** How a container has done since its last start. */
export const healthAt = (place: HealthPlace | null): ContainerHealth | null => place && readHealth(place.directory);

/** Notes how a run in the foreground is checked, before it begins: its first words may be what somebody waits for. */
export const noteRunCheck = (directory: string, timing: {check: HealthCheck; startedMs: number}): void =>
  writeFileSync(join(directory, CHECK_FILE), JSON.stringify(timing), {mode: 0o600});
