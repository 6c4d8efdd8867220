import type {ContainerContext} from '../containers/context.ts';
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
}

/** Watchers stay here: functions do not reach another process. */
export const openContainers = (
  context: ContainerContext,
  {onSpan: _, onWire: __, ...toolkitOptions}: ToolkitOptions,
): Containers => ({
  run: async (...args) => (await import('../containers/run.ts')).runContainer(context, ...args),
  spawn: async (request, options = {}) =>
    (await import('../containers/spawn.ts')).spawnContainer(
      new URL(`../run-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
      {toolkit: toolkitOptions, request},
      options,
    ),
});
