import type {LazyServerReply, LazyServerWork} from './containers/lazy/lazy-server.ts';
import {recordError} from './host/error-record.ts';
import {openToolkit, type ToolkitOptions} from './toolkit.ts';

/** The process that serves the files of a lazy run: it ends with the process that has started it. */
async function serve({toolkit: options, request}: LazyServerWork<ToolkitOptions>): Promise<void> {
  await using toolkit = await openToolkit(options);
  try {
    await toolkit.images.serveLazily(request, {
      onEvent: (event) => reply({type: 'event', event}),
      onOpened: (image) => reply({type: 'opened', image}),
    });
  } catch (error) {
    reply({type: 'failure', failure: recordError(error)});
  }
}

function reply(message: LazyServerReply): void {
  if (process.connected) process.send?.(message);
}

// A thread of it waits for the kernel, which an exit would wait for.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.once('message', async (work) => {
  await serve(work as LazyServerWork<ToolkitOptions>);
  process.disconnect?.();
});
