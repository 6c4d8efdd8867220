import type {Readable, Writable} from 'node:stream';
import {WinchError, type WinchErrorOptions} from '../errors.ts';
import type {CallOptions, WinchEvent} from '../events.ts';
import {readAccount} from '../host/account.ts';
import {tryUserNamespace} from '../host/try-user-namespace.ts';
import {startWorkerProcess, type WorkerProcess} from '../host/worker-process.ts';
import type {RunRequest, RunResult} from './run.ts';

/** A container with its streams; disposing of it ends the container and waits until nothing of it is left. */
export interface ContainerProcess extends AsyncDisposable {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Rejects as `run` does. */
  readonly finished: Promise<RunResult>;
  /** Passes a signal to the container's first process; SIGTERM when absent. */
  kill(signal?: NodeJS.Signals): void;
}

export type SpawnReply =
  | {readonly type: 'event'; readonly event: WinchEvent}
  | {readonly type: 'result'; readonly result: RunResult}
  | {readonly type: 'failure'; readonly failure: SpawnFailure};

export interface SpawnFailure {
  readonly code: string;
  readonly message: string;
  readonly options: WinchErrorOptions;
}

interface SpawnWork {
  readonly request: RunRequest;
  readonly toolkit: {readonly runtimeDirectory: string};
}

/**
 * Runs a container in a process of its own, since a run changes the mount namespace of its process.
 *
 * @param entry The module that serves a run: it gets `work` as its first message and answers with `SpawnReply`.
 */
export async function spawnContainer(
  entry: URL,
  work: SpawnWork & Readonly<Record<string, unknown>>,
  options: CallOptions,
): Promise<ContainerProcess> {
  options.signal?.throwIfAborted();
  const worker = startWorkerProcess(entry, await findRootWords(work.toolkit.runtimeDirectory));
  const finished = waitForResult(worker, options);
  finished.catch(() => {});
  worker.send(work);
  const abort = () => worker.kill('SIGTERM');
  options.signal?.addEventListener('abort', abort, {once: true});
  const container: ContainerProcess = {
    stdin: worker.stdin,
    stdout: worker.stdout,
    stderr: worker.stderr,
    finished: finished.finally(() => options.signal?.removeEventListener('abort', abort)),
    kill: (signal = 'SIGTERM') => worker.kill(signal),
    [Symbol.asyncDispose]: async () => {
      worker.send({type: 'stop'});
      await finished.catch(() => {});
    },
  };
  container.finished.catch(() => {});
  return container;
}

/** Somebody else than root runs containers as root of a user namespace. */
async function findRootWords(runtimeDirectory: string): Promise<readonly string[]> {
  if (process.geteuid?.() === 0) return [];
  return (await tryUserNamespace(readAccount(), runtimeDirectory)).words;
}

const waitForResult = (worker: WorkerProcess, {signal, onEvent}: CallOptions): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    let reply: SpawnReply | null = null;
    worker.onMessage((message) => {
      const received = message as SpawnReply;
      if (received.type === 'event') onEvent?.(received.event);
      else reply = received;
    });
    worker.onError(reject);
    worker.onExit((code) => {
      if (signal?.aborted) reject(signal.reason);
      else if (reply?.type === 'result') resolve(reply.result);
      else if (reply?.type === 'failure') reject(revive(reply.failure));
      else reject(new Error(`the process that ran the container ended without an answer (exit code ${code})`));
    });
  });

const revive = ({code, message, options}: SpawnFailure): WinchError => new WinchError(code, message, options);
