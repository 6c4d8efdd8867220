import type {RootCall} from './containers/call-as-root.ts';
import type {FileCall} from './containers/files/file-call.ts';
import type {ContainerPathStatus} from './containers/files/path-status.ts';
import type {RunRequest} from './containers/run.ts';
import {describeFailure, type WorkerReply} from './containers/worker-reply.ts';
import {WinchError} from './errors.ts';
import type {CallOptions, EventSink} from './events.ts';
import {openToolkit, type Toolkit, type ToolkitOptions} from './toolkit.ts';

/** What this process is told to do, in its first message. */
export type Work = {readonly toolkit: ToolkitOptions} & (
  | {readonly request: RunRequest}
  | {readonly call: RootCall | FileCall}
);

type Reply = WorkerReply<unknown, ContainerPathStatus | null>;

const STOPPING_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * The process behind `containers.spawn`, and behind what only root of a user namespace can do: one run or one call, then
 * the end. A parent that dies or says so ends it.
 */
async function serve(work: Work): Promise<Reply> {
  const controller = new AbortController();
  const stop = () => controller.abort(new WinchError('RUN_STOPPED', 'the run was stopped', {kind: 'interrupted'}));
  process.once('disconnect', stop);
  process.once('message', stop);
  for (const signal of STOPPING_SIGNALS) process.on(signal, stop);
  await using toolkit = await openToolkit(work.toolkit);
  try {
    const onEvent: EventSink = (event) => {
      // From here on the run passes signals to the container.
      if (event.type === 'container:started') for (const signal of STOPPING_SIGNALS) process.off(signal, stop);
      reply({type: 'event', event});
    };
    const result = await perform(toolkit, work, {signal: controller.signal, onEvent});
    return {type: 'result', result};
  } catch (error) {
    if (!(error instanceof WinchError)) throw error;
    return {type: 'failure', failure: describeFailure(error)};
  } finally {
    process.off('message', stop);
    process.off('disconnect', stop);
  }
}

async function perform({containers}: Toolkit, work: Work, options: CallOptions): Promise<unknown> {
  if ('request' in work) return containers.run(work.request, options);
  const {call} = work;
  switch (call.name) {
    case 'create':
      return containers.create(call.request, options);
    case 'start':
      return containers.start(call.id, options);
    case 'restart':
      return containers.restart(call.id, {...options, timeoutSeconds: call.timeoutSeconds});
    case 'describeExec':
      return containers.describeExec(call.id, call.options);
  }
  const {performFileCall} = await import('./toolkit/perform-file-call.ts');
  const onOpened = (opened: ContainerPathStatus | null) => reply({type: 'opened', opened});
  const streams = {input: process.stdin, output: process.stdout, onOpened};
  return performFileCall(containers, call, {options, streams});
}

function reply(message: Reply): void {
  if (process.connected) process.send?.(message);
}

process.once('message', async (work) => {
  reply(await serve(work as Work));
  process.disconnect?.();
});
