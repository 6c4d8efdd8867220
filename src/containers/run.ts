import {join} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import type {CallOptions} from '../events.ts';
import {countOutOfMemoryKills, readCgroups} from '../host/cgroups.ts';
import {type CleanupStack, createCleanupStack} from '../host/cleanup.ts';
import {randomHex} from '../host/random-hex.ts';
import {loadSyscalls} from '../host/syscalls.ts';
import {STACK_PID_FILE} from '../network/stack-programs.ts';
import {findRuntime} from '../runtime/find-runtime.ts';
import {attachLifeline, type Lifeline} from '../runtime/lifeline.ts';
import {openRunc} from '../runtime/runc.ts';
import type {RunningContainer} from '../runtime/runtime.ts';
import {takeCgroupOfRun} from './cgroup-place.ts';
import type {ContainerContext} from './context.ts';
import {
  createContainerDirectories,
  noteRuntime,
  noteStop,
  runtimeStateDirectory,
  sweepDeadContainers,
  warnOfLeftovers,
} from './directories.ts';
import {startError} from './exit-errors.ts';
import type {EndedRun} from './files/run-copies.ts';
import type {ImageToRun} from './image-to-run.ts';
import {requireValidName, takeName} from './names.ts';
import {mayWantMemory, planStart} from './plan-start.ts';
import {type PreparedContainer, prepareContainer} from './prepare-container.ts';
import {type SupervisedExit, supervise} from './supervise.ts';
import {openUnseenTerminal} from './unseen-terminal.ts';

export type RunRequest = (ImageToRun | {readonly bundle: string}) & {
  readonly container?: ContainerOptions;
  /** Unique among running containers; none when absent. */
  readonly name?: string | undefined;
  /** Connects standard input; without it the container reads end-of-file. */
  readonly interactive?: boolean;
  /** Ends the container after this many seconds: first its stop signal, ten seconds later SIGKILL. */
  readonly timeoutSeconds?: number | undefined;
  /** Name or absolute path of the OCI runtime; absent: `runc`. */
  readonly runtime?: string | undefined;
};

export interface RunResult {
  readonly id: string;
  /** The container's own code; 128+n when signal n ended it. */
  readonly exitCode: number;
  /** Whether the kernel killed it for exceeding its memory limit. */
  readonly outOfMemory: boolean;
  readonly timedOut: boolean;
}

const ID_BYTES = 32;
const SIGKILL_EXIT = 137;

/**
 * Runs an image or a bundle once, with this process's standard streams, and removes every trace of it.
 *
 * The calling thread enters a mount namespace of its own for good. When this process is killed, a watcher ends the
 * container, and the next command clears the rest.
 *
 * @throws {WinchError} `RUNTIME_NOT_FOUND` | `RUNTIME_FAILED` | `COMMAND_NOT_FOUND` | `COMMAND_NOT_EXECUTABLE` |
 * `NAMESPACE_DENIED` | `MOUNT_UNSUPPORTED` | `NAME_IN_USE` | `TERMINAL_MISSING` | `LAZY_SERVER_ENDED` | of the image, its
 * user and the options
 */
export async function runContainer(
  context: ContainerContext,
  request: RunRequest,
  options: CallOptions = {},
): Promise<RunResult> {
  if (request.name !== undefined) requireValidName(request.name);
  using terminal = request.container?.terminal ? await openUnseenTerminal() : null;
  const runtimePath = findRuntime(request.runtime);
  const id = randomHex(ID_BYTES);
  const cleanup = createCleanupStack();
  try {
    return await runOnce(context, {id, request, runtimePath, console: terminal?.console ?? null, cleanup}, options);
  } finally {
    warnOfLeftovers(await cleanup.run(), options);
  }
}

interface Run {
  readonly id: string;
  readonly request: RunRequest;
  readonly runtimePath: string;
  /** As of `RunToStart`. */
  readonly console: number | null;
  readonly cleanup: CleanupStack;
}

async function runOnce(context: ContainerContext, run: Run, options: CallOptions): Promise<RunResult> {
  const {id, request, runtimePath, console, cleanup} = run;
  warnOfLeftovers((await sweepDeadContainers(context)).failures, options);
  let lifeline: Lifeline | null = null;
  cleanup.add(() => lifeline?.ended());
  const directories = createContainerDirectories(context, id, cleanup);
  // The container is gone and its mounts are detached: the kernel takes them down while the directories are removed.
  cleanup.add(() => lifeline?.release());
  noteRuntime(directories, runtimePath);
  const cgroupPath = await takeCgroupOfRun({id, directory: directories.volatile}, {...request, cleanup});
  if (request.name !== undefined) await takeName(context, {id, name: request.name}, options);
  const syscalls = loadSyscalls();
  const stateDirectory = runtimeStateDirectory(context);
  const runtime = openRunc({path: runtimePath, stateDirectory});
  const starting = {...request, id, bundle: directories.volatile, console};
  const {enter, start} = planStart(starting, {runtime, syscalls, cleanup});
  const prepared = await prepareContainer(context, {id, request, directories, syscalls, cleanup, enter}, options);
  noteStop(directories, {signal: prepared.stopSignal, timeoutSeconds: request.container?.stopTimeoutSeconds});
  options.signal?.throwIfAborted();
  cleanup.add(() => (runtime.hasState(id) ? runtime.remove(id) : undefined));
  const container = start();
  // Attached while the runtime is getting ready, it costs the run no time. Nor do the mounts, which the kernel takes down
  // (0.2 ms each) when the watcher ends.
  lifeline = attachLifeline(syscalls, {
    ...{runtime: runtimePath, stateDirectory, id},
    cgroupPath,
    runtimePid: container.pid,
    heldDirectory: prepared.rootfsPath,
    networkPidFile: join(directories.volatile, STACK_PID_FILE),
  });
  const exit = await superviseStart(context, {container, id, request, prepared}, options);
  if (exit.failure !== null) throw startError(runtimePath, exit.failure);
  options.signal?.throwIfAborted();
  const outOfMemory =
    mayWantMemory(request.container) &&
    exit.exitCode === SIGKILL_EXIT &&
    countOutOfMemoryKills(readCgroups(), cgroupPath) > 0;
  await takeOut(context, {request, rootfsPath: prepared.rootfsPath, syscalls, exitCode: exit.exitCode}, options);
  return {id, exitCode: exit.exitCode, outOfMemory, timedOut: exit.timedOut};
}

interface End extends Pick<EndedRun, 'syscalls' | 'exitCode'> {
  readonly request: RunRequest;
  readonly rootfsPath: string | null;
}

async function takeOut(context: ContainerContext, {request, rootfsPath, ...end}: End, options: CallOptions) {
  const copies = 'image' in request ? (request.copyOut ?? []) : [];
  if (copies.length === 0 || rootfsPath === null) return;
  const {takeCopiesOut} = await import('./files/run-copies.ts');
  await takeCopiesOut(context, {...end, rootfsPath, copies}, options);
}

interface Start {
  readonly container: RunningContainer;
  readonly id: string;
  readonly request: RunRequest;
  readonly prepared: PreparedContainer;
}

async function superviseStart(context: ContainerContext, start: Start, options: CallOptions): Promise<SupervisedExit> {
  const exit = await superviseToEnd(context, start, options).catch((error: unknown) => {
    options.onEvent?.({type: 'container:abandoned', id: start.id});
    throw error;
  });
  const {aborted} = start.prepared;
  // What ended the container may have been told at the same time, and is heard a turn of the event loop later.
  if (aborted) await new Promise((resolve) => setImmediate(resolve));
  aborted?.throwIfAborted();
  return exit;
}

async function superviseToEnd(
  context: ContainerContext,
  {container, id, request, prepared}: Start,
  options: CallOptions,
): Promise<SupervisedExit> {
  const signals = [options.signal, prepared.aborted].filter((signal) => signal != null);
  const supervised = supervise(container, {
    signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
    timeoutSeconds: request.timeoutSeconds,
    stopSignal: prepared.stopSignal,
  });
  options.onEvent?.({type: 'container:started', id});
  // While the runtime gets ready, so that it costs the run no time.
  const [exit, end] = await Promise.all([supervised, accompany(context, {id, request, prepared})]);
  end(exit.exitCode);
  options.onEvent?.({type: 'container:exited', id, exitCode: exit.exitCode});
  return exit;
}

async function accompany(context: ContainerContext, {id, request, prepared}: Omit<Start, 'container'>) {
  const {accompanyRun} = await import('./accompany-run.ts');
  const {name = null, container} = request;
  const image = 'image' in request ? request.image : null;
  return await accompanyRun(context, {id, name, image, labels: container?.labels, isChecked: prepared.isChecked});
}
