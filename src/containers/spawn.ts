import type {Readable, Writable} from 'node:stream';
import type {CallOptions} from '../events.ts';
import {isRoot, readAccount} from '../host/account.ts';
import {tryUserNamespace} from '../host/try-user-namespace.ts';
import {startWorkerProcess} from '../host/worker-process.ts';
import type {RunRequest, RunResult} from './run.ts';
import {waitForReply} from './worker-reply.ts';

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

interface SpawnWork {
  readonly request: RunRequest;
  readonly toolkit: {readonly runtimeDirectory: string};
}

/**
 * Runs a container in a process of its own, since a run changes the mount namespace of its process.
 *
 * @param entry The module that serves a run: it gets `work` as its first message and answers with `WorkerReply`.
 */
export async function spawnContainer(
  entry: URL,
  work: SpawnWork & Readonly<Record<string, unknown>>,
  options: CallOptions,
): Promise<ContainerProcess> {
  options.signal?.throwIfAborted();
  const worker = startWorkerProcess(entry, await findRootWords(work.toolkit.runtimeDirectory));
  const finished = waitForReply<RunResult>(worker, options);
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
  if (isRoot()) return [];
  return (await tryUserNamespace(readAccount(), runtimeDirectory)).words;
}
