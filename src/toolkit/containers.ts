import type {ContainerContext} from '../containers/context.ts';
import type {Attachment, AttachOptions} from '../containers/kept/attach-container.ts';
import type {CreateRequest} from '../containers/kept/create-container.ts';
import type {ContainerDetails, InspectContainerOptions} from '../containers/kept/inspect-container.ts';
import type {ContainerSummary, ListContainersOptions} from '../containers/kept/list-containers.ts';
import type {LogPiece} from '../containers/kept/log-records.ts';
import type {PruneContainersOptions, PrunedContainers} from '../containers/kept/prune-containers.ts';
import type {LogsOptions} from '../containers/kept/read-logs.ts';
import type {RemoveContainerOptions} from '../containers/kept/remove-container.ts';
import type {StartSettings} from '../containers/kept/start-container.ts';
import type {StopOptions} from '../containers/kept/stop-container.ts';
import type {ContainerChanges} from '../containers/kept/update-container.ts';
import type {WaitOptions} from '../containers/kept/wait-for-condition.ts';
import type {WaitForPortOptions} from '../containers/kept/wait-for-port.ts';
import type {ContainerUsage, WatchUsageOptions} from '../containers/kept/watch-usage.ts';
import type {RunRequest, RunResult} from '../containers/run.ts';
import type {ContainerProcess} from '../containers/spawn.ts';
import type {CallOptions} from '../events.ts';
import {isRoot} from '../host/account.ts';
import type {ProcessDetails} from '../host/process-details.ts';
import type {TerminalSize} from '../host/terminal-size.ts';
import type {PublishedPort} from '../network/network-mode.ts';
import {type ContainerFileCalls, openContainerFiles} from './container-files.ts';
import {type ContainerStreamCalls, openContainerStreams} from './container-streams.ts';
import {commandOf, entryOf} from './entries.ts';
import {type MountedBundleCalls, openMountedBundles} from './mounted-bundles.ts';
import type {ToolkitOptions} from './options.ts';

export interface Containers extends ContainerFileCalls, ContainerStreamCalls, MountedBundleCalls {
  /**
   * Runs an image or a bundle once, with this process's standard streams, and removes every trace of it.
   *
   * Changes the mount namespace of the calling thread for good and passes on this process's signals, so a process of
   * its own should call it; `spawn` does that.
   */
  run(request: RunRequest, options?: CallOptions): Promise<RunResult>;
  /** As `run`, in a child process, with piped standard streams. Any number may run at once. */
  spawn(request: RunRequest, options?: CallOptions): Promise<ContainerProcess>;
  /** Makes a container that is kept until it is removed. @returns its id, which names it everywhere, as its first digits do */
  create(request: CreateRequest, options?: CallOptions): Promise<string>;
  /** Starts a container, which then goes on without this process. */
  start(container: string, options?: CallOptions): Promise<string>;
  /** Connects to the standard streams of a container that runs, or that `start` lets run. */
  attach(container: string, options?: AttachOptions): Promise<Attachment>;
  /** All containers, the latest first, those included that are run by `run` and `spawn` right now. */
  list(options?: ListContainersOptions): Promise<readonly ContainerSummary[]>;
  /** Everything that is known of one container, kept or run in the foreground right now. */
  inspect(container: string, options?: InspectContainerOptions): Promise<ContainerDetails>;
  /** What a container has printed, in pieces, and with `follow` what it prints from now on. */
  logs(container: string, options?: LogsOptions): AsyncGenerator<LogPiece>;
  /** Waits for the end of a container, or for another condition. @returns its exit code; -1 for what is no end */
  wait(container: string, options?: WaitOptions): Promise<number>;
  /** Ends a container if it runs, gently first, and starts it. */
  restart(container: string, options?: StopOptions): Promise<string>;
  /** Stops all processes of a container where they are. */
  pause(container: string): Promise<string>;
  /** Lets the processes of a paused container go on. */
  unpause(container: string): Promise<string>;
  /** Tells the terminal of a running container its size. */
  resize(container: string, size: TerminalSize): Promise<void>;
  /** Gives a container another name. */
  rename(container: string, name: string, options?: CallOptions): Promise<string>;
  /** What running containers use, again and again. */
  stats(options?: WatchUsageOptions): AsyncGenerator<readonly ContainerUsage[]>;
  /** The processes of a running container, as this machine counts them. */
  top(container: string): Promise<readonly ProcessDetails[]>;
  /** Changes the limits of a container, at once and for later starts. */
  update(container: string, changes: ContainerChanges, options?: CallOptions): Promise<string>;
  /** Removes the containers that do not run. */
  prune(options?: PruneContainersOptions): Promise<PrunedContainers>;
  /** Ends a container, gently first. */
  stop(container: string, options?: StopOptions): Promise<string>;
  /** Sends a signal (a name or a number) to the first process of a container; SIGKILL when absent. */
  kill(container: string, signal?: string): Promise<string>;
  /** Removes a container with all that it has written. */
  remove(container: string, options?: RemoveContainerOptions): Promise<string>;
  /** The ports of a container that are ports of this machine now. */
  ports(container: string, options?: CallOptions): Promise<readonly PublishedPort[]>;
  /** Waits until a container in the background has printed a line that contains or matches this. @returns the line */
  waitForLine(container: string, pattern: string | RegExp, options?: CallOptions): Promise<string>;
  /** Waits until something in a running container waits for connections at this port of its own. */
  waitForPort(container: string, port: number, options?: WaitForPortOptions): Promise<void>;
  /** Waits until a check has found that a running container does its work. */
  waitUntilHealthy(container: string, options?: CallOptions): Promise<void>;
  /**
   * Does for a container of this id what is to be done when it has ended: it is removed once those who wait for it know how,
   * is cleared, or starts again by itself, which is waited for.
   */
  settleEnded(id: string): Promise<void>;
}

/** Watchers stay here: functions do not reach another process. */
export const openContainers = (
  context: ContainerContext,
  {onSpan: _, onWire: __, ...toolkitOptions}: ToolkitOptions,
): Containers => ({
  ...openKept(context, toolkitOptions),
  ...openContainerFiles(context, toolkitOptions),
  ...openContainerStreams(context, toolkitOptions),
  ...openMountedBundles(context),
  run: async (...args) => {
    const lazyServer = {entry: entryOf('lazy-process'), toolkit: {...toolkitOptions}};
    return (await import('../containers/run.ts')).runContainer({...context, lazyServer}, ...args);
  },
  spawn: async (request, options = {}) =>
    (await import('../containers/spawn.ts')).spawnContainer(
      context,
      {entry: entryOf('run-process'), work: {toolkit: toolkitOptions, request}},
      options,
    ),
});

const openKept = (
  context: ContainerContext,
  options: ToolkitOptions,
): Omit<Containers, keyof (ContainerFileCalls & ContainerStreamCalls & MountedBundleCalls) | 'run' | 'spawn'> => ({
  create: async (request, callOptions = {}) =>
    isRoot()
      ? (await import('../containers/kept/create-container.ts')).createContainer(context, request, callOptions)
      : startSettings(options).callAsRoot({name: 'create', request}, callOptions),
  start: async (container, callOptions) =>
    (await import('../containers/kept/start-container.ts')).startContainer(context, container, {
      ...callOptions,
      ...startSettings(options),
    }),
  attach: async (container, attachOptions) =>
    (await import('../containers/kept/attach-container.ts')).attachToContainer(context, container, {
      ...attachOptions,
      ...startSettings(options),
    }),
  restart: async (container, stopOptions) =>
    (await import('../containers/kept/restart-container.ts')).restartContainer(context, container, {
      ...stopOptions,
      ...startSettings(options),
    }),
  ...openLive(context),
  list: async (...args) => (await import('../containers/kept/list-containers.ts')).listContainers(context, ...args),
  logs: async function* (...args) {
    yield* (await import('../containers/kept/read-logs.ts')).readLogs(context, ...args);
  },
  wait: async (...args) =>
    (await import('../containers/kept/wait-for-condition.ts')).waitForCondition(context, ...args),
  stop: async (...args) => (await import('../containers/kept/stop-container.ts')).stopContainer(context, ...args),
  kill: async (...args) => (await import('../containers/kept/stop-container.ts')).killContainer(context, ...args),
  remove: async (...args) => (await import('../containers/kept/remove-container.ts')).removeContainer(context, ...args),
  ports: async (...args) => (await import('../containers/networks/list-ports.ts')).listPorts(context, ...args),
  waitForLine: async (container, pattern, options) =>
    (await import('../containers/kept/wait-for-line.ts')).waitForLine(context, container, {...options, pattern}),
  waitForPort: async (container, port, options) =>
    (await import('../containers/kept/wait-for-port.ts')).waitForPort(context, container, {...options, port}),
  waitUntilHealthy: async (...args) =>
    (await import('../containers/health/wait-until-healthy.ts')).waitUntilHealthy(context, ...args),
  settleEnded: async (id) =>
    (await import('../containers/kept/settle-ended.ts')).settleEnded(context, id, startSettings(options)),
});

type LiveCalls = Pick<
  Containers,
  'resize' | 'inspect' | 'pause' | 'unpause' | 'rename' | 'stats' | 'top' | 'update' | 'prune'
>;

const openLive = (context: ContainerContext): LiveCalls => ({
  inspect: async (...args) =>
    (await import('../containers/kept/inspect-container.ts')).inspectContainer(context, ...args),
  pause: async (...args) => (await import('../containers/kept/pause-container.ts')).pauseContainer(context, ...args),
  unpause: async (...args) =>
    (await import('../containers/kept/pause-container.ts')).unpauseContainer(context, ...args),
  resize: async (...args) => (await import('../containers/kept/resize-container.ts')).resizeContainer(context, ...args),
  rename: async (...args) => (await import('../containers/kept/rename-container.ts')).renameContainer(context, ...args),
  stats: async function* (...args) {
    yield* (await import('../containers/kept/watch-usage.ts')).watchUsage(context, ...args);
  },
  top: async (...args) => (await import('../containers/kept/list-processes.ts')).listProcesses(context, ...args),
  update: async (...args) => (await import('../containers/kept/update-container.ts')).updateContainer(context, ...args),
  prune: async (...args) => (await import('../containers/kept/prune-containers.ts')).pruneContainers(context, ...args),
});

const startSettings = (options: ToolkitOptions): StartSettings => ({
  commandAtEnd: (id) => commandOf('exit-process', options, id),
  commandOfHealth: (id) => commandOf('health-process', options, id),
  callAsRoot: async (call, callOptions) => {
    const work = {toolkit: options, call};
    return (await import('../containers/call-as-root.ts')).callAsRoot(entryOf('run-process'), work, callOptions);
  },
});
