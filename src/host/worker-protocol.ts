import {parentPort} from 'node:worker_threads';
import {type ErrorRecord, recordError} from './error-record.ts';

/** What a pool sends to its workers; one request at a time. */
export type WorkerRequest = {readonly request: unknown} | {readonly abort: true};

export type WorkerReply = {readonly result: unknown} | {readonly failure: ErrorRecord};

/** The worker's side of `openWorkerPool`: answers each request with what `handle` returns or throws. */
export function answerRequests<Request, Result>(
  handle: (request: Request, options: {readonly signal: AbortSignal}) => Promise<Result>,
): void {
  let abort = new AbortController();
  parentPort?.on('message', async (message: WorkerRequest) => {
    if ('abort' in message) {
      abort.abort();
      return;
    }
    abort = new AbortController();
    parentPort?.postMessage(await answer(() => handle(message.request as Request, {signal: abort.signal})));
  });
}

async function answer(work: () => Promise<unknown>): Promise<WorkerReply> {
  try {
    return {result: await work()};
  } catch (error) {
    return {failure: recordError(error)};
  }
}
