import {WinchError, type WinchErrorOptions} from '../errors.ts';
import type {CallOptions, WinchEvent} from '../events.ts';
import type {WorkerProcess} from '../host/worker-process.ts';

/** What a process says that does one thing for another one. */
export type WorkerReply<T, Opened = never> =
  | {readonly type: 'event'; readonly event: WinchEvent}
  /** What is read from the standard output of the process from now on. */
  | {readonly type: 'opened'; readonly opened: Opened}
  | {readonly type: 'result'; readonly result: T}
  | {readonly type: 'failure'; readonly failure: WorkerFailure};

export interface WorkerFailure {
  readonly code: string;
  readonly message: string;
  readonly options: WinchErrorOptions;
}

const COMPLAINT_LIMIT = 500;

/**
 * Waits for the result of a process that does one thing, and passes on its events.
 *
 * @param complaint What the process has said where it ends without an answer.
 */
export const waitForReply = <T>(
  worker: WorkerProcess,
  {signal, onEvent}: CallOptions,
  complaint: () => string = () => '',
): Promise<T> =>
  new Promise((resolve, reject) => {
    let reply: WorkerReply<T> | null = null;
    worker.onMessage((message) => {
      const received = message as WorkerReply<T>;
      if (received.type === 'event') onEvent?.(received.event);
      else if (received.type !== 'opened') reply = received;
    });
    worker.onError(reject);
    worker.onExit((code) => {
      if (signal?.aborted) reject(signal.reason);
      else if (reply?.type === 'result') resolve(reply.result);
      else if (reply?.type === 'failure') reject(revive(reply.failure));
      else reject(new Error(describeSilence(code, complaint())));
    });
  });

export function describeFailure({code, message, kind, hint, details}: WinchError): WorkerFailure {
  return {code, message, options: {kind, details, ...(hint === undefined ? {} : {hint})}};
}

const describeSilence = (code: number | null, said: string): string =>
  `the process that was to do this ended without an answer (exit code ${code}) ${said.slice(0, COMPLAINT_LIMIT)}`.trim();

const revive = ({code, message, options}: WorkerFailure): WinchError => new WinchError(code, message, options);
