import {type ResourceLimits, type Transferable, Worker} from 'node:worker_threads';
import {WinchError} from '../errors.ts';
import {errorFromRecord} from './error-record.ts';
import type {WorkerReply, WorkerRequest} from './worker-protocol.ts';

export interface WorkerPoolOptions {
  /** A module that calls `answerRequests`. */
  readonly url: URL;
  /** Workers, and so calls at a time, at most. */
  readonly size: number;
  readonly resourceLimits?: ResourceLimits;
}

export interface WorkerCallOptions {
  readonly transfer?: readonly Transferable[];
  readonly signal?: AbortSignal | undefined;
}

/** Threads that answer requests; started when first needed, kept for the next call. */
export interface WorkerPool<Request, Result> extends AsyncDisposable {
  /**
   * Sends a request to a free worker, or waits for one.
   *
   * On abort the worker is told, and this rejects with `signal.reason` once it has cleaned up. An error of the worker's
   * own is thrown as it was.
   *
   * @throws {WinchError} `WORKER_FAILED`: the thread died (out of memory, `close`).
   */
  call(request: Request, options?: WorkerCallOptions): Promise<Result>;
  /** Ends every thread; calls under way reject. Idempotent. */
  close(): Promise<void>;
}

interface PoolState {
  readonly options: WorkerPoolOptions;
  readonly all: Set<Worker>;
  readonly idle: Worker[];
  /** Calls that wait for a worker, oldest first. */
  readonly waiting: (() => void)[];
  isClosed: boolean;
}

export function openWorkerPool<Request, Result>(options: WorkerPoolOptions): WorkerPool<Request, Result> {
  const state: PoolState = {options, all: new Set(), idle: [], waiting: [], isClosed: false};
  const close = async () => {
    state.isClosed = true;
    for (const wake of state.waiting.splice(0)) wake();
    await Promise.all([...state.all].map((worker) => worker.terminate()));
  };
  return {
    call: async (request, callOptions = {}) => {
      const worker = await takeWorker(state, callOptions.signal);
      try {
        return (await exchange(worker, request, callOptions)) as Result;
      } finally {
        giveBack(state, worker);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function takeWorker(state: PoolState, signal: AbortSignal | undefined): Promise<Worker> {
  while (true) {
    if (signal?.aborted) {
      // The turn that this call was given, if any, goes to the next one.
      state.waiting.shift()?.();
      throw signal.reason;
    }
    if (state.isClosed) throw workerFailed('its pool was closed');
    const worker = state.idle.pop() ?? (state.all.size < state.options.size ? startWorker(state) : undefined);
    if (worker) return worker;
    await waitForTurn(state, signal);
  }
}

function waitForTurn({waiting}: PoolState, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    const leave = () => {
      waiting.splice(waiting.indexOf(wake), 1);
      wake();
    };
    signal?.addEventListener('abort', leave);
    waiting.push(wake);
  });
}

function startWorker({options, all, idle, waiting}: PoolState): Worker {
  const {url, resourceLimits} = options;
  // Node would warn of each descriptor that a thread closes and a system call of ours has opened.
  const worker = new Worker(url, {trackUnmanagedFds: false, ...(resourceLimits ? {resourceLimits} : {})});
  all.add(worker);
  // A failure is told to the call under way; without a listener it would end the process.
  worker.on('error', () => {});
  worker.once('exit', () => {
    all.delete(worker);
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    waiting.shift()?.();
  });
  return worker;
}

/** An idle worker must not keep the process alive. */
function giveBack({all, idle, waiting}: PoolState, worker: Worker): void {
  if (!all.has(worker)) return;
  worker.unref();
  idle.push(worker);
  waiting.shift()?.();
}

function exchange(worker: Worker, request: unknown, {transfer = [], signal}: WorkerCallOptions): Promise<unknown> {
  const {promise, resolve, reject} = Promise.withResolvers<unknown>();
  let failure: unknown;
  const onAbort = () => worker.postMessage({abort: true} satisfies WorkerRequest);
  const onMessage = (reply: WorkerReply) => {
    if (signal?.aborted) reject(signal.reason);
    else if ('failure' in reply) reject(errorFromRecord(reply.failure));
    else resolve(reply.result);
  };
  const onError = (error: unknown) => {
    failure = error;
  };
  const onExit = () => reject(signal?.aborted ? signal.reason : workerFailed(exitReason(failure), failure));
  worker.ref();
  worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  signal?.addEventListener('abort', onAbort);
  worker.postMessage({request} satisfies WorkerRequest, transfer);
  return promise.finally(() => {
    worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    signal?.removeEventListener('abort', onAbort);
  });
}

const exitReason = (failure: unknown): string =>
  failure instanceof Error ? failure.message : 'it was ended from outside';

const workerFailed = (reason: string, cause?: unknown) =>
  new WinchError('WORKER_FAILED', `a worker thread died: ${reason}`, {
    kind: 'unsupported',
    hint: 'nothing was kept; free memory or try again',
    cause,
  });
