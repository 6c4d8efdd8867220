import {join} from 'node:path';
import type {ContainerOptions} from '../bundle/container-options.ts';
import type {CleanupStack} from '../host/cleanup.ts';
import {expectCgroupMove} from '../host/expect-cgroup-move.ts';
import {enterPrivateMountNamespace} from '../host/mounts.ts';
import type {Syscalls} from '../host/syscalls.ts';
import type {RunningContainer, Runtime, StartRequest, WaitingRuntime} from '../runtime/runtime.ts';

export interface RunToStart {
  readonly id: string;
  /** Directory of the bundle, in memory. */
  readonly bundle: string;
  readonly container?: ContainerOptions | undefined;
  /** Connects standard input; without it the container reads end-of-file. */
  readonly interactive?: boolean | undefined;
  /** Stands for the terminal of this process, which has none; null: it has one, or needs none. */
  readonly console: number | null;
}

export interface StartPlan {
  /** Enters a mount namespace, where the runtime gets ready while that is being filled. */
  enter(): void;
  /** Starts the container, of which there is a bundle now. */
  start(): RunningContainer;
}

interface PlaceOfStart {
  readonly runtime: Runtime;
  readonly syscalls: Syscalls;
  readonly cleanup: CleanupStack;
}

/** Starts the runtime of a run as early as the namespace of its mounts is there, if it is one that can wait for a bundle. */
export function planStart(run: RunToStart, {runtime, syscalls, cleanup}: PlaceOfStart): StartPlan {
  const request = startRequest(run);
  let waiting: WaitingRuntime | null = null;
  return {
    enter: () => {
      enterPrivateMountNamespace(syscalls);
      void expectCgroupMove();
      waiting = runtime.startWaiting(request);
      cleanup.add(() => waiting?.giveUp());
    },
    start: () => waiting?.proceed() ?? runtime.start(request),
  };
}

const startRequest = ({id, bundle, container, interactive, console}: RunToStart): StartRequest => ({
  ...{id, bundle, console},
  interactive: interactive ?? false,
  terminal: container?.terminal ?? false,
  log: join(bundle, 'runtime.log'),
  // The cgroup goes with the container, and only it can tell of an out-of-memory kill.
  keep: mayWantMemory(container),
});

/** By a limit of its own, or of those that it shares a parent with. */
export const mayWantMemory = (container: ContainerOptions | undefined): boolean =>
  container?.memoryBytes !== undefined || container?.cgroupParent !== undefined;
