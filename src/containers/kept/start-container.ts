import {closeSync, constants, mkdirSync, openSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {hasErrno} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {isRoot} from '../../host/account.ts';
import {writeFileAtomic} from '../../host/atomic-write.ts';
import {readBootId} from '../../host/boot-id.ts';
import {findDelegatedCgroup} from '../../host/delegated-cgroup.ts';
import {identifyProcess} from '../../host/process-identity.ts';
import {randomHex} from '../../host/random-hex.ts';
import {removeTreeSync} from '../../host/remove-tree.ts';
import {untilAborted} from '../../host/until-aborted.ts';
import {isInitialUserNamespace} from '../../host/user-namespace.ts';
import {openRunc} from '../../runtime/runc.ts';
import type {CallAsRoot} from '../call-as-root.ts';
import {takeCgroup} from '../cgroup-place.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory} from '../directories.ts';
import {startError} from '../exit-errors.ts';
import {watchKept} from '../health/watch-kept.ts';
import {clearRemains} from './clear-remains.ts';
import {requireContainer, unknownContainer} from './find-container.ts';
import {writePidFile} from './pid-file.ts';
import {lockContainer, placesOf, volatileDirectory} from './places.ts';
import {prepareKept} from './prepare-kept.ts';
import {readStartNote, readState, STARTED_MARK, type StartNote} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import {recordEnd, recordStart} from './record-ends.ts';
import {startAsRoot} from './start-as-root.ts';

export interface StartSettings {
  /** For somebody else than root. */
  readonly callAsRoot: CallAsRoot;
  /** A program and arguments that do for the container of this id what is to be done when it has ended. */
  readonly commandAtEnd: (id: string) => readonly string[];
  /** A program and arguments that check the container of this id once; see `HealthWatch`. */
  readonly commandOfHealth: (id: string) => readonly string[];
}

/** By which a container has started again by itself; absent: somebody has started it. */
interface Restarted {
  readonly restart?: Pick<StartNote, 'restarts' | 'pauseMs'>;
}

const START_BYTES = 8;
const CREATION_LIMIT_MS = 240_000;

/**
 * Starts a container that was created, or has ended; one that runs is left as it is. It goes on when this process ends.
 *
 * @returns its id.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `RUNTIME_FAILED` | `COMMAND_NOT_FOUND` |
 * `COMMAND_NOT_EXECUTABLE` | `SUPERVISOR_NOT_FOUND` | `NAMESPACE_DENIED` | `MOUNT_UNSUPPORTED` | `PIDFILE_FAILED` |
 * `USER_NAMESPACE_DENIED` …
 */
export async function startContainer(
  context: ContainerContext,
  text: string,
  options: CallOptions & StartSettings,
): Promise<string> {
  const {id} = requireContainer(context, text);
  using lock = await lockContainer(context, id, options.signal);
  const record = findRecord(context, id);
  if (!record) throw unknownContainer(text);
  if ((await readState(context, record)).state === 'running') return id;
  if (isRoot()) await startLocked(context, record, options);
  else await startAsRoot(context, {record, lock}, options);
  return id;
}

/** Starts a container that does not run; whoever calls holds its lock. */
export async function startLocked(
  context: ContainerContext,
  record: KeptRecord,
  {commandAtEnd, commandOfHealth, restart, signal, onEvent}: CallOptions & StartSettings & Restarted,
): Promise<void> {
  const {id} = record;
  await clearRemains(context, record, {onEvent});
  const start = randomHex(START_BYTES);
  const directory = join(placesOf(context, id).starts, start);
  try {
    mkdirSync(volatileDirectory(context, id), {recursive: true, mode: 0o700});
    mkdirSync(directory, {mode: 0o700});
    await takeCgroup({id, directory: volatileDirectory(context, id)}, record.container);
    const exitCommand = hasMoreToDo(record) ? commandAtEnd(id) : null;
    const pid = await begin(context, {record, start, exitCommand, ...(restart && {restart})}, {signal, onEvent});
    watchKept(context, record, {pid, command: commandOfHealth(id)});
  } catch (error) {
    await clearRemains(context, record, {onEvent});
    forgetStart(context, record, start);
    removeTreeSync(directory);
    throw error;
  }
  forgetOthers(context, record, start);
}

/** Only in a namespace of its own the first process takes all others with it. */
const hasMoreToDo = ({autoRemove, restart, container: {network, pid}}: KeptRecord): boolean =>
  autoRemove || restart !== undefined || typeof network === 'object' || pid !== undefined;

interface Start extends Restarted {
  readonly record: KeptRecord;
  readonly start: string;
  readonly exitCommand: readonly string[] | null;
}

/**
 * The note comes before the command: a container that runs is known to run. Until the mark is there, the runtime is asked
 * whether it does.
 */
async function begin(context: ContainerContext, start: Start, options: CallOptions): Promise<number> {
  const {id, runtime: path} = start.record;
  const places = placesOf(context, id);
  const noteDirectory = join(places.starts, start.start);
  const log = join(volatileDirectory(context, id), 'runtime.log');
  const {supervisorPid, created} = await prepareKept(
    context,
    {record: start.record, noteDirectory, runtimeLog: log, exitCommand: start.exitCommand},
    options,
  );
  const outcome = await untilAborted(Promise.race([created, giveUp()]), options.signal).catch((error: unknown) => {
    endGroup(supervisorPid);
    throw error;
  });
  if ('failure' in outcome) {
    endGroup(supervisorPid);
    throw startError(path, outcome.failure);
  }
  options.signal?.throwIfAborted();
  const note = await writeNote(context, start, {pid: outcome.pid, supervisorPid});
  const runtime = openRunc({path, stateDirectory: runtimeStateDirectory(context)});
  const failure = await runtime.startCreated({id, log});
  if (failure !== null) throw startError(path, failure);
  recordStart(context, start.record, note);
  closeSync(openSync(join(noteDirectory, STARTED_MARK), constants.O_CREAT | constants.O_WRONLY, 0o600));
  // It may have ended before anybody knew that it has started.
  recordEnd(context, start.record);
  return outcome.pid;
}

/** A runtime that waits for ever would hold up whoever waits for this container. */
async function giveUp(): Promise<{readonly failure: string}> {
  await sleep(CREATION_LIMIT_MS, undefined, {ref: false});
  return {failure: `it has not made the container within ${CREATION_LIMIT_MS / 1000} seconds`};
}

/** Conmon leads a group in which the runtime is. */
function endGroup(supervisorPid: number): void {
  try {
    process.kill(-supervisorPid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}

interface Processes {
  readonly pid: number;
  readonly supervisorPid: number;
}

async function writeNote(
  context: ContainerContext,
  {record, start, restart}: Start,
  processes: Processes,
): Promise<StartNote> {
  const gone = (pid: number) => ({pid, startTicks: -1});
  const {pid, supervisorPid} = processes;
  const note: StartNote = {
    start,
    bootId: readBootId(),
    startedAt: new Date(context.now()).toISOString(),
    process: identifyProcess(pid) ?? gone(pid),
    supervisor: identifyProcess(supervisorPid) ?? gone(supervisorPid),
    ...(!isInitialUserNamespace() && findDelegatedCgroup() === null && {sharesCgroup: true}),
    ...restart,
  };
  const {durability} = context.store;
  const path = placesOf(context, record.id).start;
  await writeFileAtomic(path, Buffer.from(`${JSON.stringify(note)}\n`), {durability, mode: 0o600});
  if (record.pidFile !== undefined) writePidFile(record.pidFile, pid);
  return note;
}

/** What could not start is as it was never started; how an earlier start ended is forgotten. */
function forgetStart(context: ContainerContext, {id}: KeptRecord, start: string): void {
  const places = placesOf(context, id);
  if (readStartNote(places)?.start === start) rmSync(places.start, {force: true});
}

function forgetOthers(context: ContainerContext, {id}: KeptRecord, start: string): void {
  const {starts} = placesOf(context, id);
  for (const name of readdirSync(starts)) if (name !== start) removeTreeSync(join(starts, name));
}
