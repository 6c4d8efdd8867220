import type {ContainerContext} from '../containers/context.ts';
import type {ExecSession, ExecSessionRequest} from '../containers/kept/exec-session.ts';
import type {ContainerCounters} from '../containers/kept/read-counters.ts';
import type {CallOptions} from '../events.ts';

/** What a program of its own does with running containers, where a command has its terminal. */
export interface ContainerStreamCalls {
  /** Starts a further command in a running container, and connects its standard streams to the caller. */
  openExec(container: string, request: ExecSessionRequest, options?: CallOptions): Promise<ExecSession>;
  /** What a running container has used up to now, in the kernel's own counters. */
  counters(container: string): Promise<ContainerCounters>;
}

export const openContainerStreams = (context: ContainerContext): ContainerStreamCalls => ({
  openExec: async (...args) => (await import('../containers/kept/exec-session.ts')).openExec(context, ...args),
  counters: async (...args) => (await import('../containers/kept/read-counters.ts')).readCounters(context, ...args),
});
