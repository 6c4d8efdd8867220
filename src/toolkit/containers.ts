import {fileURLToPath} from 'node:url';
import type {ContainerContext} from '../containers/context.ts';
import type {CreateRequest} from '../containers/kept/create-container.ts';
import type {ContainerSummary} from '../containers/kept/list-containers.ts';
import type {LogPiece} from '../containers/kept/log-records.ts';
import type {LogsOptions} from '../containers/kept/read-logs.ts';
import type {RemoveContainerOptions} from '../containers/kept/remove-container.ts';
import type {StopOptions} from '../containers/kept/stop-container.ts';
import type {RunRequest, RunResult} from '../containers/run.ts';
import type {ContainerProcess} from '../containers/spawn.ts';
import type {CallOptions} from '../events.ts';
import type {ToolkitOptions} from './options.ts';

export interface Containers {
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
  /** All containers, the latest first, those included that are run by `run` and `spawn` right now. */
  list(options?: CallOptions): Promise<readonly ContainerSummary[]>;
  /** What a container has printed, in pieces, and with `follow` what it prints from now on. */
  logs(container: string, options?: LogsOptions): AsyncGenerator<LogPiece>;
  /** Waits for the end of a container. @returns its exit code */
  wait(container: string, options?: CallOptions): Promise<number>;
  /** Ends a container, gently first. */
  stop(container: string, options?: StopOptions): Promise<string>;
  /** Sends a signal (a name or a number) to the first process of a container; SIGKILL when absent. */
  kill(container: string, signal?: string): Promise<string>;
  /** Removes a container with all that it has written. */
  remove(container: string, options?: RemoveContainerOptions): Promise<string>;
  /** Removes a container of this id if it has ended, once those who wait for it know how. */
  removeEnded(id: string): Promise<void>;
}

/** Watchers stay here: functions do not reach another process. */
export const openContainers = (
  context: ContainerContext,
  {onSpan: _, onWire: __, ...toolkitOptions}: ToolkitOptions,
): Containers => ({
  ...openKept(context, toolkitOptions),
  run: async (...args) => (await import('../containers/run.ts')).runContainer(context, ...args),
  spawn: async (request, options = {}) =>
    (await import('../containers/spawn.ts')).spawnContainer(
      entryOf('run-process'),
      {toolkit: toolkitOptions, request},
      options,
    ),
});

const openKept = (context: ContainerContext, options: ToolkitOptions): Omit<Containers, 'run' | 'spawn'> => ({
  create: async (...args) => (await import('../containers/kept/create-container.ts')).createContainer(context, ...args),
  start: async (container, callOptions) =>
    (await import('../containers/kept/start-container.ts')).startContainer(context, container, {
      ...callOptions,
      removeCommand: (id) => removeCommand(options, id),
    }),
  list: async (...args) => (await import('../containers/kept/list-containers.ts')).listContainers(context, ...args),
  logs: async function* (...args) {
    yield* (await import('../containers/kept/read-logs.ts')).readLogs(context, ...args);
  },
  wait: async (...args) => (await import('../containers/kept/wait-for-exit.ts')).waitForContainer(context, ...args),
  stop: async (...args) => (await import('../containers/kept/stop-container.ts')).stopContainer(context, ...args),
  kill: async (...args) => (await import('../containers/kept/stop-container.ts')).killContainer(context, ...args),
  remove: async (...args) => (await import('../containers/kept/remove-container.ts')).removeContainer(context, ...args),
  removeEnded: async (id) => (await import('../containers/kept/remove-container.ts')).removeEnded(context, id),
});

/** No secret is on this command line: the removal needs neither logins nor registries. */
function removeCommand({root, runtimeDirectory, durability}: ToolkitOptions, id: string): readonly string[] {
  const work = {toolkit: {root, runtimeDirectory, durability}, id};
  return [process.execPath, fileURLToPath(entryOf('exit-process')), JSON.stringify(work)];
}

const entryOf = (name: string): URL =>
  new URL(`../${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
