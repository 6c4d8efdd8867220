import {closeSync, mkdirSync, openSync, readSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, isSystemError} from '../errors.ts';
import {untilAborted} from '../host/until-aborted.ts';
import {watchFile} from '../host/watch-file.ts';
import {listEventFiles} from './event-log.ts';
import type {StorePaths} from './paths.ts';
import {type EventFilters, matchesEvent, type StoreEvent} from './store-event.ts';

export interface WatchEventsOptions {
  /** From when on; absent: only what happens from the call on. */
  readonly since?: Date | undefined;
  /** Up to when, which may be to come; absent: it does not end by itself. */
  readonly until?: Date | undefined;
  readonly filters?: EventFilters | undefined;
  readonly signal?: AbortSignal | undefined;
}

const PIECE_BYTES = 1024 * 1024;
/** For what nobody writes down by itself, and where the kernel tells of no changes. */
const POLL_MS = 200;
const MILLION = 1e6;
const NEWLINE = 10;

export interface EventSources {
  /** Milliseconds since 1970. */
  now(): number;
  /** Notes what has happened and nobody has noted. */
  beforeLook(): void;
}

/**
 * Reads what was noted, in the order of its time, and follows what is being noted.
 *
 * @throws `signal.reason`
 */
export async function* watchEventLog(
  {events: directory}: StorePaths,
  {since, until, filters = {}, signal}: WatchEventsOptions,
  {now, beforeLook}: EventSources,
): AsyncGenerator<StoreEvent, void, void> {
  const [first, last] = [since?.getTime() ?? 0, until?.getTime() ?? Number.POSITIVE_INFINITY];
  const isWanted = (event: StoreEvent) =>
    event.timeNano >= first * MILLION && event.timeNano <= last * MILLION && matchesEvent(event, filters);
  const reader = createLogReader(directory);
  beforeLook();
  if (since === undefined) reader.skip();
  ensureWatchable(directory);
  using changes = watchFile(directory);
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    // Asked before reading: what happens until then is read as well.
    const left = last - now();
    beforeLook();
    const found = reader.read().filter(isWanted);
    yield* isFirst ? found.toSorted((a, b) => a.timeNano - b.timeNano) : found;
    if (left <= 0) return;
    await untilAborted(changes.change(Math.min(POLL_MS, left)), signal);
  }
}

/** Only what is there can be watched; else it is looked at again and again. */
function ensureWatchable(directory: string): void {
  try {
    mkdirSync(directory, {mode: 0o700});
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

interface LogReader {
  /** All that was noted since the last call. */
  read(): readonly StoreEvent[];
  skip(): void;
}

/** A process may still write to a file when another one has begun the next: each is read from where it was left. */
function createLogReader(directory: string): LogReader {
  const offsets = new Map<string, number>();
  const read = (): readonly StoreEvent[] =>
    listEventFiles(directory).flatMap((name) => {
      const {events, offset} = readFrom(join(directory, name), offsets.get(name) ?? 0);
      offsets.set(name, offset);
      return events;
    });
  return {read, skip: () => void read()};
}

function readFrom(path: string, from: number): {readonly events: readonly StoreEvent[]; readonly offset: number} {
  const fd = openUnlessGone(path);
  if (fd === null) return {events: [], offset: from};
  const events: StoreEvent[] = [];
  let offset = from;
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      const piece = buffer.subarray(0, readSync(fd, buffer, 0, PIECE_BYTES, offset));
      // A line that is still being written is read when it is whole; what is longer than all of winch's is none.
      const end = piece.lastIndexOf(NEWLINE) + 1 || (piece.length === PIECE_BYTES ? PIECE_BYTES : 0);
      if (end === 0) return {events, offset};
      events.push(...piece.toString('utf8', 0, end).split('\n').flatMap(parseEvent));
      offset += end;
    }
  } finally {
    closeSync(fd);
  }
}

function openUnlessGone(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** What a killed process or a full disk has torn is none. */
function parseEvent(line: string): readonly StoreEvent[] {
  if (line === '') return [];
  try {
    const value: unknown = JSON.parse(line);
    return isStoreEvent(value) ? [value] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

const isStoreEvent = (value: unknown): value is StoreEvent =>
  typeof value === 'object' &&
  value !== null &&
  'Type' in value &&
  'Action' in value &&
  typeof value.Action === 'string' &&
  'timeNano' in value &&
  'Actor' in value &&
  typeof value.Actor === 'object' &&
  value.Actor !== null &&
  'Attributes' in value.Actor;
