import type {ContainerContext} from '../containers/context.ts';
import type {HealthReport} from '../containers/health/check-health.ts';
import type {ExecToDescribe} from '../containers/kept/describe-exec.ts';
import type {ExecRequest} from '../containers/kept/exec-container.ts';
import type {ExecSession, ExecSessionRequest} from '../containers/kept/exec-session.ts';
import type {ContainerCounters} from '../containers/kept/read-counters.ts';
import type {ExecAsUser} from '../containers/kept/start-exec.ts';
import type {CallOptions} from '../events.ts';
import {isRoot} from '../host/account.ts';
import {entryOf} from './entries.ts';
import type {ToolkitOptions} from './options.ts';

/** Further commands in running containers, and what those use. */
export interface ContainerStreamCalls {
  /**
   * Runs a further command in a running container, with this process's standard streams and its signals passed on.
   *
   * @returns the command's own exit code
   */
  exec(container: string, request: ExecRequest, options?: CallOptions): Promise<number>;
  /** Checks once whether a running container does its work, and notes how that went. */
  checkHealth(container: string, options?: CallOptions): Promise<HealthReport>;
  /** Starts a further command in a running container, and connects its standard streams to the caller. */
  openExec(container: string, request: ExecSessionRequest, options?: CallOptions): Promise<ExecSession>;
  /** What its runtime would be told of a further command, as JSON (runtime-spec config.md#process); for root alone. */
  describeExec(container: string, options: ExecToDescribe): Promise<string>;
  /** What a running container has used up to now, in the kernel's own counters. */
  counters(container: string): Promise<ContainerCounters>;
}

export const openContainerStreams = (
  context: ContainerContext,
  toolkit: ToolkitOptions & {readonly runtimeDirectory: string},
): ContainerStreamCalls => ({
  exec: async (container, request, options) =>
    (await import('../containers/kept/exec-container.ts')).execInContainer(context, container, request, {
      ...options,
      asUser: execAsUser(toolkit),
    }),
  checkHealth: async (container, options) =>
    (await import('../containers/health/check-health.ts')).checkHealth(context, container, {
      ...options,
      asUser: execAsUser(toolkit),
    }),
  openExec: async (container, request, options) =>
    (await import('../containers/kept/exec-session.ts')).openExec(context, container, request, {
      ...options,
      asUser: execAsUser(toolkit),
    }),
  describeExec: async (...args) => (await import('../containers/kept/describe-exec.ts')).formatExec(context, ...args),
  counters: async (...args) => (await import('../containers/kept/read-counters.ts')).readCounters(context, ...args),
});

/** Null: this process is root. */
function execAsUser(toolkit: ToolkitOptions & {readonly runtimeDirectory: string}): ExecAsUser | null {
  if (isRoot()) return null;
  return {
    describe: async (id, options, joins) => {
      const {callAsRoot} = await import('../containers/call-as-root.ts');
      const call = {name: 'describeExec', id, options} as const;
      return await callAsRoot<string>(entryOf('run-process'), {toolkit, call}, {joins});
    },
  };
}
