import type {RunRequest} from './containers/run.ts';
import type {SpawnReply} from './containers/spawn.ts';
import {WinchError} from './errors.ts';
import type {EventSink} from './events.ts';
import {openToolkit, type ToolkitOptions} from './toolkit.ts';

/** What this process is told to do, in its first message. */
export interface RunWork {
  readonly toolkit: ToolkitOptions;
  readonly request: RunRequest;
}

const STOPPING_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** The process behind `containers.spawn`: one run, then the end. A parent that dies or says so ends the run. */
async function serveRun({toolkit: toolkitOptions, request}: RunWork): Promise<SpawnReply> {
  const controller = new AbortController();
  const stop = () => controller.abort(new WinchError('RUN_STOPPED', 'the run was stopped', {kind: 'interrupted'}));
  process.once('disconnect', stop);
  process.once('message', stop);
  for (const signal of STOPPING_SIGNALS) process.on(signal, stop);
  await using toolkit = await openToolkit(toolkitOptions);
  try {
    const onEvent: EventSink = (event) => {
      // From here on the run passes signals to the container.
      if (event.type === 'container:started') for (const signal of STOPPING_SIGNALS) process.off(signal, stop);
      reply({type: 'event', event});
    };
    const result = await toolkit.containers.run(request, {signal: controller.signal, onEvent});
    return {type: 'result', result};
  } catch (error) {
    if (!(error instanceof WinchError)) throw error;
    const {code, message, kind, hint, details} = error;
    return {type: 'failure', failure: {code, message, options: {kind, details, ...(hint === undefined ? {} : {hint})}}};
  } finally {
    process.off('message', stop);
    process.off('disconnect', stop);
  }
}

function reply(message: SpawnReply): void {
  if (process.connected) process.send?.(message);
}

process.once('message', async (work) => {
  reply(await serveRun(work as RunWork));
  process.disconnect?.();
});
