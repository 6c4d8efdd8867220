import type {ContainerContext} from '../containers/context.ts';
import type {ExecToDescribe} from '../containers/kept/describe-exec.ts';
import type {ExecAsUser, ExecSession, ExecSessionRequest} from '../containers/kept/exec-session.ts';
import type {ContainerCounters} from '../containers/kept/read-counters.ts';
import type {CallOptions} from '../events.ts';
import {isRoot} from '../host/account.ts';
import {entryOf} from './entries.ts';
import type {ToolkitOptions} from './options.ts';

/** What a program of its own does with running containers, where a command has its terminal. */
export interface ContainerStreamCalls {
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
  openExec: async (container, request, options) => {
    const asUser = isRoot() ? null : execAsUser(toolkit);
    return await (await import('../containers/kept/exec-session.ts')).openExec(context, container, request, {
      ...{...options, asUser},
    });
  },
  describeExec: async (...args) => (await import('../containers/kept/describe-exec.ts')).formatExec(context, ...args),
  counters: async (...args) => (await import('../containers/kept/read-counters.ts')).readCounters(context, ...args),
});

const execAsUser = (toolkit: ToolkitOptions & {readonly runtimeDirectory: string}): ExecAsUser => ({
  describe: async (id, options, joins) => {
    const {callAsRoot} = await import('../containers/call-as-root.ts');
    const call = {name: 'describeExec', id, options} as const;
    return await callAsRoot<string>(entryOf('run-process'), {toolkit, call}, {joins});
  },
});
