import {closeSync, existsSync, openSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {type Happening, recordEvents} from '../../store/event-log.ts';
import {namesIn} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {containerEvent, networkEvents, networksAt} from '../record-events.ts';
import {type KeptPlaces, PASSING, placesOf, volatileDirectory} from './places.ts';
import {readExit, readStartNote, STARTED_MARK, type StartNote} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';

/** In the directory of a start: its end has been told. */
const TOLD_MARK = 'told';
/** As docker has it for what ended while nobody watched. */
const UNSEEN_EXIT = 255;

/** Tells that a container has started, whose networks and mounts come first. */
export function recordStart(context: ContainerContext, record: KeptRecord, {startedAt}: StartNote): void {
  const atMs = Date.parse(startedAt);
  const networks = networksAt(volatileDirectory(context, record.id));
  recordEvents(
    context.store.paths,
    [
      ...networkEvents(record, networks, {action: 'connect', atMs}),
      ...mountEvents(record, {action: 'mount', atMs}),
      containerEvent(record, {action: 'start', atMs}),
    ],
    context.now(),
  );
}

/**
 * Tells how the containers have ended that ended by themselves, with the times at which they did, each time that it is
 * called. No process stays with a container only to tell that: whoever follows events looks, and so does whoever clears
 * what it has left.
 */
export function createEndTeller(context: ContainerContext): () => void {
  const {kept} = context.store.paths;
  /** When the last start was noted whose end is known to be told, by id: most that there are have ended long ago. */
  const told = new Map<string, number>();
  return () => {
    const ids = namesIn(kept).filter((name) => !name.startsWith(PASSING));
    for (const id of told.keys()) if (!ids.includes(id)) told.delete(id);
    for (const id of ids) {
      const places = placesOf(context, id);
      const notedMs = statSync(places.start, {throwIfNoEntry: false})?.mtimeMs;
      if (notedMs === undefined || told.get(id) === notedMs) continue;
      const record = hasUntoldEnd(places) ? findRecord(context, id) : null;
      if (record) recordEnd(context, record);
      if (isToldEnd(places)) told.set(id, notedMs);
    }
  };
}

function hasUntoldEnd(places: KeptPlaces): boolean {
  const note = readStartNote(places);
  if (note === null) return false;
  const start = join(places.starts, note.start);
  return existsSync(join(start, STARTED_MARK)) && !existsSync(join(start, TOLD_MARK)) && readExit(start, note) !== null;
}

function isToldEnd(places: KeptPlaces): boolean {
  const note = readStartNote(places);
  return note !== null && existsSync(join(places.starts, note.start, TOLD_MARK));
}

/**
 * Tells how a container has ended, once, if it has.
 *
 * @param options.isOver Whether it is known not to run, also where nobody saw how it ended.
 */
export function recordEnd(
  context: ContainerContext,
  record: KeptRecord,
  {isOver = false}: {readonly isOver?: boolean} = {},
): void {
  const places = placesOf(context, record.id);
  const note = readStartNote(places);
  if (note === null) return;
  const start = join(places.starts, note.start);
  const ended = readExit(start, note);
  if ((ended === null && !isOver) || !existsSync(join(start, STARTED_MARK)) || !takeMark(start)) return;
  const atMs = ended?.finishedAt ? Date.parse(ended.finishedAt) : context.now();
  const seconds = Math.max(0, Math.floor((atMs - Date.parse(note.startedAt)) / 1000));
  const attributes = {exitCode: String(ended?.exitCode ?? UNSEEN_EXIT), execDuration: String(seconds)};
  const networks = networksAt(volatileDirectory(context, record.id));
  recordEvents(
    context.store.paths,
    [
      ...(ended?.outOfMemory ? [containerEvent(record, {action: 'oom', atMs})] : []),
      containerEvent(record, {action: 'die', attributes, atMs}),
      ...networkEvents(record, networks, {action: 'disconnect', atMs}),
      ...mountEvents(record, {action: 'unmount', atMs}),
    ],
    context.now(),
  );
}

/** @returns false: somebody else tells it. */
function takeMark(start: string): boolean {
  try {
    closeSync(openSync(join(start, TOLD_MARK), 'wx', 0o600));
    return true;
  } catch (error) {
    // It was removed, or this one may not write there.
    if (hasErrno(error, 'EEXIST', 'ENOENT', 'EACCES', 'EROFS', 'ENOSPC', 'EDQUOT')) return false;
    throw error;
  }
}

interface MountChange {
  readonly action: 'mount' | 'unmount';
  readonly atMs: number;
}

const mountEvents = ({id, container}: KeptRecord, {action, atMs}: MountChange): readonly Happening[] =>
  (container.mounts ?? []).flatMap((mount) => {
    if (mount.type !== 'volume' || mount.source === undefined) return [];
    const {target, propagation = '', readOnly = false} = mount;
    const details = {destination: target, propagation, 'read/write': String(!readOnly)};
    const attributes = {container: id, driver: 'local', ...(action === 'mount' && details)};
    return [{type: 'volume' as const, action, id: mount.source, attributes, atMs}];
  });
