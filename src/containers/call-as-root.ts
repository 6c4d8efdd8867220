import type {CallOptions} from '../events.ts';
import {readAccount} from '../host/account.ts';
import {planJoining} from '../host/plan-user-namespace.ts';
import {tryUserNamespace} from '../host/try-user-namespace.ts';
import {startWorkerProcess, type WorkerProcess} from '../host/worker-process.ts';
import type {CreateRequest} from './kept/create-container.ts';
import {waitForReply} from './worker-reply.ts';

/** What mounts, or makes namespaces, and so is for root alone. */
export type RootCall =
  | {readonly name: 'create'; readonly request: CreateRequest}
  | {readonly name: 'start'; readonly id: string}
  | {readonly name: 'restart'; readonly id: string; readonly timeoutSeconds?: number | undefined};

export interface RootCallOptions extends CallOptions {
  /** A process of this user whose namespace it has to be; null: a new one. */
  readonly joins?: number | null | undefined;
}

/** Does it as root of a user namespace, and returns the id of the container. */
export type CallAsRoot = (call: RootCall, options: RootCallOptions) => Promise<string>;

interface CallWork {
  readonly toolkit: {readonly runtimeDirectory: string};
  readonly call: RootCall;
}

/**
 * Has a process of its own do what only root can: nobody becomes root of a user namespace who has several threads.
 *
 * @param entry The module that serves the call: it gets `work` as its first message and answers with `WorkerReply`.
 * @throws {WinchError} `USER_NAMESPACE_DENIED` | of the call
 */
export async function callAsRoot(
  entry: URL,
  work: CallWork & Readonly<Record<string, unknown>>,
  {joins = null, ...options}: RootCallOptions,
): Promise<string> {
  const words =
    joins === null ? (await tryUserNamespace(readAccount(), work.toolkit.runtimeDirectory)).words : planJoining(joins);
  options.signal?.throwIfAborted();
  const worker = startWorkerProcess(entry, words);
  worker.stdin.end();
  worker.stdout.resume();
  const finished = waitForReply<string>(worker, options, readComplaints(worker));
  const abort = () => worker.kill('SIGTERM');
  options.signal?.addEventListener('abort', abort, {once: true});
  worker.send(work);
  try {
    return await finished;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

function readComplaints({stderr}: WorkerProcess): () => string {
  const pieces: string[] = [];
  stderr.setEncoding('utf8');
  stderr.on('data', (piece: string) => pieces.push(piece));
  return () => pieces.join('').trim();
}
