import {type ResourceLimits, type Transferable, Worker} from 'node:worker_threads';
import {WinchError} from '../errors.ts';
import {errorFromRecord} from './error-record.ts';
import {createTurns, type Turns} from './turns.ts';
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
  /** Starts a worker that soon has to do something, where none waits for work and there may be another. */
  prepare(): void;
  /** Ends every thread; calls under way reject. Idempotent. */
  close(): Promise<void>;
}

interface PoolState {
  readonly options: WorkerPoolOptions;
  readonly all: Set<Worker>;
  readonly idle: Worker[];
  /** As many as there may be workers, so that who has one finds a worker idle or may start one. */
  readonly turns: Turns;
  isClosed: boolean;
}

export function openWorkerPool<Request, Result>(options: WorkerPoolOptions): WorkerPool<Request, Result> {
  const state: PoolState = {options, all: new Set(), idle: [], turns: createTurns(options.size), isClosed: false};
  const close = async () => {
    state.isClosed = true;
    await Promise.all([...state.all].map((worker) => worker.terminate()));
  };
  return {
    call: async (request, callOptions = {}) => {
      using _turn = await state.turns.take(callOptions.signal);
      if (state.isClosed) throw workerFailed('its pool was closed');
      const worker = state.idle.pop() ?? startWorker(state);
      try {
        return (await exchange(worker, request, callOptions)) as Result;
      } finally {
        giveBack(state, worker);
      }
    },
    prepare: () => {
      if (state.isClosed || state.idle.length > 0 || state.all.size >= options.size) return;
      giveBack(state, startWorker(state));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function startWorker({options, all, idle}: PoolState): Worker {
  const {url, resourceLimits} = options;
  // Node would warn of each descriptor that a thread closes and a system call of ours has opened.
  const worker = new Worker(url, {trackUnmanagedFds: false, ...(resourceLimits ? {resourceLimits} : {})});
  all.add(worker);
  // A failure is told to the call under way; without a listener it would end the process.
  worker.on('error', () => {});
  worker.once('exit', () => {
    all.delete(worker);
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
  });
  return worker;
}

/** An idle worker must not keep the process alive. */
function giveBack({all, idle}: PoolState, worker: Worker): void {
  if (!all.has(worker)) return;
  worker.unref();
  idle.push(worker);
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
