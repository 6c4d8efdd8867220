import {join} from 'node:path';
import {parseStopSignal} from '../../bundle/stop-signal.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {thaw} from '../../host/cgroup-freezer.ts';
import {listCgroupProcesses, readCgroups} from '../../host/cgroups.ts';
import {monotonicMs} from '../../host/monotonic-ms.ts';
import {isInitialUserNamespace} from '../../host/user-namespace.ts';
import {openRunc} from '../../runtime/runc.ts';
import {type CgroupOwner, cgroupPathOf} from '../cgroup-place.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory, volatileParent} from '../directories.ts';
import {endStrays} from '../end-strays.ts';
import {type ContainerEvent, recordContainerEvents} from '../record-events.ts';
import {noteStop} from './ask-to-end.ts';
import {clearRemains} from './clear-remains.ts';
import {findContainer, nameOf, notRunning, unknownContainer} from './find-container.ts';
import {findRun, type OneShotRun, waitUntilRunEnds} from './one-shot-runs.ts';
import {placesOf, tryLockContainer, volatileDirectory} from './places.ts';
import {readStartNote, readState} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import {recordEnd} from './record-ends.ts';
import {waitUntilStopped} from './wait-for-exit.ts';

export interface StopOptions extends CallOptions {
  /** How long the container may take before it is killed; negative: for ever. Absent: as it was made with, else 10. */
  readonly timeoutSeconds?: number | undefined;
}

interface LockHolding {
  /** Whether the caller holds the container's lock. */
  readonly holdsLock?: boolean;
}

const SIGKILL = 9;
const DEFAULT_TIMEOUT_SECONDS = 10;
/** A process that writes to a dead disk may take for ever to die. */
const KILL_LIMIT_MS = 10_000;

/**
 * Asks a container to end, by its stop signal, and kills it when it takes too long; one that does not run is left as it is.
 * A `run` in the foreground can be stopped as well.
 *
 * @returns its id.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STUCK`: not even SIGKILL has ended it
 */
export async function stopContainer(
  context: ContainerContext,
  text: string,
  {timeoutSeconds, signal, onEvent, holdsLock = false}: StopOptions & LockHolding = {},
): Promise<string> {
  const target = await requireTarget(context, text);
  await target.noteStop({signal, holdsLock});
  const seconds = timeoutSeconds ?? target.stopTimeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const patienceMs = seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
  const isAsked = await sendLast(target, target.stopSignal);
  // What has just ended by itself runs, for everybody else, until its supervisor has said so.
  const isOver = await target.waitUntilOver(isAsked ? patienceMs : KILL_LIMIT_MS, signal);
  if (!isOver && (await sendLast(target, SIGKILL))) {
    if (!(await target.waitUntilOver(KILL_LIMIT_MS, signal))) throw stuck(target);
  }
  await target.clear({onEvent});
  if (isAsked) target.tell({action: 'stop'});
  return target.id;
}

/**
 * Sends a signal to the first process of a running container. What is paused gets it when it goes on, which SIGKILL and the
 * stop signal bring about.
 *
 * @returns its id.
 * @param signal As docker takes it: a name with or without `SIG`, or a number.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `SIGNAL_INVALID`
 */
export async function killContainer(context: ContainerContext, text: string, signal = 'SIGKILL'): Promise<string> {
  const number = parseStopSignal(signal);
  const target = await requireTarget(context, text);
  const isLast = number === SIGKILL || number === target.stopSignal;
  if (isLast) await target.noteStop({});
  const isSent = await (isLast ? sendLast(target, number) : send(target, number));
  if (!isSent) throw notRunning(target);
  return target.id;
}

/** Ends a container that runs with SIGKILL, whatever the runtime still knows of it. */
export async function endContainer(
  context: ContainerContext,
  record: KeptRecord,
  {signal}: Pick<CallOptions, 'signal'>,
): Promise<void> {
  const {id} = record;
  const cgroupPath = cgroupPathOf({id, directory: volatileDirectory(context, id)});
  const pid = readStartNote(placesOf(context, id))?.process.pid;
  const isFound = pid !== undefined && listCgroupProcesses(readCgroups(), cgroupPath).includes(pid);
  // What is in its cgroup is ended without the runtime.
  if (!isFound || !isInitialUserNamespace()) await runtimeOf(context, record).signal(id, SIGKILL);
  await endStrays({id, cgroupPath, mayBeStarting: true});
  const state = await waitUntilStopped(context, record, {signal, untilMs: monotonicMs() + KILL_LIMIT_MS});
  if (state?.state === 'running') throw stuck(record);
}

async function send(target: Target, signal: number): Promise<boolean> {
  const atMs = Date.now();
  const isSent = await target.signal(signal);
  if (isSent) target.tell({action: 'kill', attributes: {signal: String(signal)}, atMs});
  return isSent;
}

/** In a paused container, a signal would wait for ever. */
async function sendLast(target: Target, signal: number): Promise<boolean> {
  const isSent = await send(target, signal);
  if (isSent) thaw(readCgroups(), cgroupPathOf(target));
  return isSent;
}

/** A container that can be sent a signal. */
interface Target extends CgroupOwner {
  readonly name: string | null;
  readonly stopSignal: number;
  readonly stopTimeoutSeconds: number | undefined;
  /** Keeps it from starting again by itself. */
  noteStop(options: LockHolding & Pick<CallOptions, 'signal'>): Promise<void>;
  /** False: it does not run. */
  signal(signal: number): Promise<boolean>;
  /** False: it still runs after this long. */
  waitUntilOver(patienceMs: number, signal: AbortSignal | undefined): Promise<boolean>;
  /** Tells those who follow events what was done to it. */
  tell(event: ContainerEvent): void;
  /** Clears what it has left, unless somebody else is at it. */
  clear(options: Pick<CallOptions, 'onEvent'>): Promise<void>;
}

async function requireTarget(context: ContainerContext, text: string): Promise<Target> {
  const kept = findContainer(context, text);
  if (kept) return keptTarget(context, kept);
  const run = await findRun(context, text);
  if (run) return runTarget(context, run);
  throw unknownContainer(text);
}

const keptTarget = (context: ContainerContext, record: KeptRecord): Target => ({
  ...record,
  directory: volatileDirectory(context, record.id),
  stopTimeoutSeconds: record.container.stopTimeoutSeconds,
  noteStop: (options) => noteStop(context, record, options),
  signal: async (signal) => {
    if ((await readState(context, record)).state !== 'running') return false;
    return await runtimeOf(context, record).signal(record.id, signal);
  },
  waitUntilOver: async (patienceMs, signal) => {
    const state = await waitUntilStopped(context, record, {signal, untilMs: monotonicMs() + patienceMs});
    return state?.state !== 'running';
  },
  tell: (event) => recordContainerEvents(context, record, [event]),
  clear: (options) => clearStopped(context, record, options),
});

/** Its own process clears it. */
const runTarget = (context: ContainerContext, run: OneShotRun): Target => ({
  ...run,
  directory: join(volatileParent(context), run.id),
  noteStop: async () => {},
  signal: (signal) => runtimeOf(context, run).signal(run.id, signal),
  waitUntilOver: (patienceMs, signal) => waitUntilRunEnds(context, run, {signal, patienceMs}),
  tell: (event) => recordContainerEvents(context, {...run, image: run.imageId}, [event]),
  clear: async () => {},
});

async function clearStopped(
  context: ContainerContext,
  record: KeptRecord,
  options: Pick<CallOptions, 'onEvent'>,
): Promise<void> {
  recordEnd(context, record);
  using lock = tryLockContainer(context, record.id);
  if (lock === null || !findRecord(context, record.id)) return;
  if ((await readState(context, record)).state === 'exited') await clearRemains(context, record, options);
}

const runtimeOf = (context: ContainerContext, {runtime}: {readonly runtime: string}) =>
  openRunc({path: runtime, stateDirectory: runtimeStateDirectory(context)});

const stuck = (container: {readonly id: string; readonly name: string | null}): WinchError =>
  new WinchError('CONTAINER_STUCK', `container ${nameOf(container)} does not end, not even by SIGKILL`, {
    kind: 'runtime',
    hint: 'a process of it may wait for a disk or a network that does not answer',
  });
