import {existsSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {readBootId} from '../../host/boot-id.ts';
import {hasDeadServer} from '../../host/fuse-servers.ts';
import {isLiving, type ProcessIdentity} from '../../host/process-identity.ts';
import {openRunc} from '../../runtime/runc.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory} from '../directories.ts';
import {isPaused} from './is-paused.ts';
import {type KeptPlaces, placesOf, serversOf, volatileDirectory} from './places.ts';
import {type KeptRecord, readOrNull} from './record.ts';
import {pauseBeforeRestart, type RestartPolicy} from './restart-policy.ts';

/** The last start of a container, noted before its command runs. */
export interface StartNote {
  /** Name of its directory in `starts`. */
  readonly start: string;
  readonly bootId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The first process, and conmon. */
  readonly process: ProcessIdentity;
  readonly supervisor: ProcessIdentity;
  /** Whether it is in the cgroup of its starter, of which others that are there may die as well. */
  readonly sharesCgroup?: boolean;
  /** How many times in a row it has started again by itself, and how long was waited before; absent: somebody started it. */
  readonly restarts?: number;
  readonly pauseMs?: number;
}

export interface ContainerState {
  readonly state: 'created' | 'running' | 'exited';
  /** Whether it runs, but all its processes are stopped for now. */
  readonly isPaused: boolean;
  /** Whether it has exited, and is about to start again by itself. */
  readonly isRestarting: boolean;
  /** Process of this machine; null unless it runs. */
  readonly pid: number | null;
  /** ISO 8601; null: never. */
  readonly startedAt: string | null;
  /** ISO 8601; null: it has not ended, or nobody saw it. */
  readonly finishedAt: string | null;
  /** Null unless it has exited; 255 when nobody saw how. */
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  /** Why nobody saw how it ended; else null. */
  readonly lostBecause: string | null;
}

/** In the directory of a start. */
export const STARTED_MARK = 'started';
/** Somebody wants the container to end, so it does not start again by itself. */
export const STOP_MARK = 'stopped';
const EXIT_CODE = 'exit';
const OUT_OF_MEMORY = 'oom';
/** As docker has it for what ended while nobody watched. */
const UNSEEN_EXIT = 255;

const CREATED: ContainerState = Object.freeze({
  state: 'created',
  isPaused: false,
  isRestarting: false,
  pid: null,
  startedAt: null,
  finishedAt: null,
  exitCode: null,
  outOfMemory: false,
  lostBecause: null,
});

/**
 * What a container does, from what its last start left and from the processes that there are: nothing is kept that a
 * killed process could leave wrong.
 */
export async function readState(context: ContainerContext, record: KeptRecord): Promise<ContainerState> {
  const places = placesOf(context, record.id);
  const note = readStartNote(places);
  if (note === null) return CREATED;
  const directory = join(places.starts, note.start);
  const ended = readExit(directory, note);
  if (ended !== null) return describeEnd({record, note, directory}, ended);
  if (note.bootId !== readBootId()) return lost(note, 'the machine was restarted');
  if (isLiving(note.process) && !existsSync(join(directory, STARTED_MARK)) && (await isWaiting(context, record)))
    return CREATED;
  if (isLiving(note.process) && hasLostFiles(context, record))
    return lost(note, 'fuse-overlayfs, which served its files, was ended');
  if (isLiving(note.process) || isLiving(note.supervisor)) {
    const {process, startedAt} = note;
    return {
      ...CREATED,
      state: 'running',
      isPaused: isPaused({id: record.id, directory: volatileDirectory(context, record.id)}),
      pid: process.pid,
      startedAt,
    };
  }
  // Conmon has noted the code since this began to look, or never will.
  const late = readExit(directory, note);
  if (late !== null) return describeEnd({record, note, directory}, late);
  return lost(note, 'conmon, which watched it, was ended');
}

interface EndedContainer {
  readonly record: KeptRecord;
  readonly note: StartNote;
  readonly directory: string;
}

type End = Pick<ContainerState, 'finishedAt' | 'outOfMemory'> & {readonly exitCode: number};

/** Conmon lives as long as what it has started for the end of the container, which waits and starts it again. */
function describeEnd({record, note, directory}: EndedContainer, end: End): ContainerState {
  const isRestarting =
    record.restart !== undefined &&
    pauseAfterEnd(record.restart, note, end) !== null &&
    isLiving(note.supervisor) &&
    !existsSync(join(directory, STOP_MARK));
  return {...CREATED, ...end, isRestarting, state: 'exited', startedAt: note.startedAt};
}

/** Milliseconds before the next start; null: it is not to start again by itself. */
export const pauseAfterEnd = (policy: RestartPolicy, note: StartNote, {exitCode, finishedAt}: End): number | null =>
  pauseBeforeRestart(policy, {
    exitCode,
    restarts: note.restarts ?? 0,
    pauseMs: note.pauseMs ?? 0,
    ranMs: Date.parse(finishedAt ?? '') - Date.parse(note.startedAt) || 0,
  });

/** Null: it was never started, or its start was cut off before its command could run. */
export function readStartNote({start}: KeptPlaces): StartNote | null {
  const text = readOrNull(start);
  return text === null ? null : (JSON.parse(text) as StartNote);
}

/** What lives without its files can neither go on nor be entered, and is cleared by the next command. */
const hasLostFiles = (context: ContainerContext, {id, snapshotter}: KeptRecord): boolean =>
  snapshotter === 'fuse-overlayfs' && hasDeadServer(serversOf(context, id));

const isWaiting = (context: ContainerContext, {id, runtime}: KeptRecord): Promise<boolean> =>
  openRunc({path: runtime, stateDirectory: runtimeStateDirectory(context)}).isWaiting(id);

/** How a start ended, of which this is the directory; null: it has not. */
export function readExit(directory: string, {sharesCgroup = false}: Partial<StartNote> = {}) {
  const path = join(directory, EXIT_CODE);
  const text = readOrNull(path);
  if (text === null) return null;
  const finishedAt = statSync(path, {throwIfNoEntry: false})?.mtime.toISOString() ?? null;
  return {exitCode: Number(text), finishedAt, outOfMemory: !sharesCgroup && existsSync(join(directory, OUT_OF_MEMORY))};
}

const lost = ({startedAt}: StartNote, lostBecause: string): ContainerState => ({
  ...CREATED,
  state: 'exited',
  startedAt,
  exitCode: UNSEEN_EXIT,
  lostBecause,
});
