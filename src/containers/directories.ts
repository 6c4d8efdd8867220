import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import {parseStopSignal} from '../bundle/stop-signal.ts';
import {hasErrno} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {hasCgroup, readCgroups, removeCgroup} from '../host/cgroups.ts';
import type {CleanupStack} from '../host/cleanup.ts';
import {createLeasedDirectory, type SweepReport, sweepLeasedDirectories} from '../host/leased-directories.ts';
import {storageError} from '../host/storage-error.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {PID_FILE} from '../runtime/conmon.ts';
import {findRuntime} from '../runtime/find-runtime.ts';
import {openRunc} from '../runtime/runc.ts';
import {type CgroupOwner, cgroupPathOf, leaveCgroup, usualCgroupPath} from './cgroup-place.ts';
import type {ContainerContext} from './context.ts';
import {endForeign} from './end-foreign.ts';
import {endStrays} from './end-strays.ts';
import {clearLeft, leaveNetworks} from './networks/take-network.ts';

export interface ContainerDirectories {
  /** In memory: the bundle, the mount points and the runtime's messages. */
  readonly volatile: string;
  /** On the store's disk: where the container writes; null when that cannot be written. */
  readonly writable: string | null;
}

const RUNTIME_FILE = 'runtime';
const STOP_FILE = 'stop';
const ASKED_FILE = 'asked.json';
/** What keeps directories from being made in the store; a pull says which of them it is. */
const UNWRITABLE = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'ENOENT', 'ENOTDIR'];

/** Where the runtime keeps its state. */
export const runtimeStateDirectory = ({runtimeDirectory}: ContainerContext): string => join(runtimeDirectory, 'runc');

/**
 * Makes the directories of one run; the cleanup stack removes them.
 *
 * A full or read-only store does not keep an image from running: it then writes to memory.
 */
export function createContainerDirectories(
  context: ContainerContext,
  id: string,
  cleanup: CleanupStack,
): ContainerDirectories {
  const volatile = leaseVolatile(context, id, cleanup);
  try {
    return {volatile, writable: leaseIn(context.store.paths.containers, id, cleanup)};
  } catch (error) {
    if (hasErrno(error, ...UNWRITABLE)) return {volatile, writable: null};
    throw storageError(error, context.store.paths.root);
  }
}

/**
 * Clears what runs left whose winch was killed: processes, cgroups, the runtime's state and directories; and what could
 * not be cleared when others left their networks.
 *
 * What cannot be cleared (its runtime was uninstalled, say) is reported and keeps no other run from starting.
 */
export async function sweepDeadContainers(context: ContainerContext): Promise<SweepReport> {
  const report = await sweepLeasedDirectories(volatileParent(context), (id) => clearDead(context, id));
  await sweepLeasedDirectories(execParent(context), async () => {});
  try {
    await sweepLeasedDirectories(context.store.paths.containers, async () => {});
  } catch (error) {
    if (!hasErrno(error, ...UNWRITABLE)) throw storageError(error, context.store.paths.containers);
  }
  const left = await clearLeft(context);
  return left === null ? report : {...report, failures: [...report.failures, left]};
}

/** Says what could not be cleared. */
export function warnOfLeftovers(failures: readonly unknown[], {onEvent}: Pick<CallOptions, 'onEvent'>): void {
  for (const failure of failures) {
    const message = failure instanceof Error ? failure.message : String(failure);
    onEvent?.({type: 'warning:raised', code: 'CLEANUP_FAILED', message});
  }
}

async function clearDead(context: ContainerContext, id: string): Promise<void> {
  const directory = join(volatileParent(context), id);
  const findPath = () => findRuntime(readRuntime(context, id));
  await clearRuntime(context, {id, directory}, {findPath, mayHaveHooks: true});
  (await import('./record-run.ts')).recordLostRun(directory, context.now());
  await leaveNetworks(context, directory);
}

export interface RuntimeInUse {
  /** Finds the runtime's binary; asked only where there is state. */
  readonly findPath: () => string;
  /** Whether the runtime may have something to run when it removes the container. */
  readonly mayHaveHooks: boolean;
}

/** Ends the processes of a container that nobody supervises, and removes the runtime's state of it and its cgroup. */
export async function clearRuntime(
  context: ContainerContext,
  owner: CgroupOwner,
  {findPath, mayHaveHooks}: RuntimeInUse,
): Promise<void> {
  const {id, directory} = owner;
  const stateDirectory = runtimeStateDirectory(context);
  await endStrays({id, cgroupPath: cgroupPathOf(owner), mayBeStarting: mayBeStarting(directory)});
  if (existsSync(join(stateDirectory, id))) {
    const runtime = openRunc({path: findPath(), stateDirectory});
    if (!isInitialUserNamespace()) await endForeign(runtime, id);
    // A cgroup that could be removed has no process any more, and then there is nothing else to do.
    const isOver = !mayHaveHooks && isInitialUserNamespace() && removeOwnCgroup(owner);
    if (!isOver || !runtime.forget(id)) await runtime.remove(id);
  }
  await leaveCgroup(owner);
}

/** The runtime's process that makes a container works in its directory, where it notes the first process at last. */
const mayBeStarting = (directory: string): boolean => existsSync(directory) && !existsSync(join(directory, PID_FILE));

/** @returns whether there was one where the runtime makes it, and is none any more. */
function removeOwnCgroup(owner: CgroupOwner): boolean {
  const [cgroups, path] = [readCgroups(), usualCgroupPath(owner)];
  if (!hasCgroup(cgroups, path)) return false;
  removeCgroup(cgroups, path);
  return !hasCgroup(cgroups, path);
}

export interface StopNote {
  readonly signal: NodeJS.Signals | number;
  /** How long that may take; absent: as usual. */
  readonly timeoutSeconds?: number | undefined;
}

/** Notes what asks the container to end, for whoever wants to stop it. */
export const noteStop = (directories: ContainerDirectories, {signal, timeoutSeconds}: StopNote): void =>
  writeFileSync(join(directories.volatile, STOP_FILE), `${signal} ${timeoutSeconds ?? ''}`, {mode: 0o600});

/** What a run was asked for, beyond its image. */
export interface AskedOfRun {
  readonly container: ContainerOptions;
  /** The image's, and over them the caller's. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Notes what a run was asked for, for whoever looks at it, or makes an image of it. */
export const noteAsked = (directories: ContainerDirectories, asked: AskedOfRun): void =>
  writeFileSync(join(directories.volatile, ASKED_FILE), JSON.stringify(asked), {mode: 0o600});

export function readAsked(context: ContainerContext, id: string): AskedOfRun {
  const text = readNote(context, id, ASKED_FILE);
  return text === undefined ? {container: {}, labels: {}} : (JSON.parse(text) as AskedOfRun);
}

/** Notes which runtime has the container's state, for whoever has to clear it. */
export const noteRuntime = (directories: ContainerDirectories, runtime: string): void =>
  writeFileSync(join(directories.volatile, RUNTIME_FILE), runtime, {mode: 0o600});

/** What asks a run to end; SIGTERM as long as it is being prepared. */
export function readStop(context: ContainerContext, id: string): StopNote & {readonly signal: number} {
  const [signal = '', seconds = ''] = (readNote(context, id, STOP_FILE) ?? 'SIGTERM').split(' ');
  return {signal: parseStopSignal(signal), ...(seconds !== '' && {timeoutSeconds: Number(seconds)})};
}

export const readRuntime = (context: ContainerContext, id: string): string | undefined =>
  readNote(context, id, RUNTIME_FILE);

function readNote(context: ContainerContext, id: string, file: string): string | undefined {
  try {
    return readFileSync(join(volatileParent(context), id, file), 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export const volatileParent = ({runtimeDirectory}: ContainerContext): string => join(runtimeDirectory, 'containers');

/** In memory: what the runtime is told of further processes of containers, each in a directory of its own. */
export const execParent = ({runtimeDirectory}: ContainerContext): string => join(runtimeDirectory, 'exec');

function leaseVolatile(context: ContainerContext, id: string, cleanup: CleanupStack): string {
  try {
    return leaseIn(volatileParent(context), id, cleanup);
  } catch (error) {
    throw storageError(error, context.runtimeDirectory);
  }
}

function leaseIn(parent: string, id: string, cleanup: CleanupStack): string {
  mkdirSync(parent, {recursive: true, mode: 0o700});
  const leased = createLeasedDirectory(parent, id);
  cleanup.add(() => leased.remove());
  return leased.path;
}
