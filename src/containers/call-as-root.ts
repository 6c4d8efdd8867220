import type {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {CallOptions} from '../events.ts';
import {readAccount} from '../host/account.ts';
import {planJoining} from '../host/plan-user-namespace.ts';
import {tryUserNamespace} from '../host/try-user-namespace.ts';
import {startWorkerProcess, type WorkerProcess} from '../host/worker-process.ts';
import type {FileCall, TarCall} from './files/file-call.ts';
import type {CreateRequest} from './kept/create-container.ts';
import type {ExecToDescribe} from './kept/describe-exec.ts';
import {type WorkerReply, waitForReply} from './worker-reply.ts';

/** What mounts, or makes namespaces, and so is for root alone. */
export type RootCall =
  | {readonly name: 'create'; readonly request: CreateRequest}
  | {readonly name: 'start'; readonly id: string}
  | {readonly name: 'restart'; readonly id: string; readonly timeoutSeconds?: number | undefined}
  | {readonly name: 'describeExec'; readonly id: string; readonly options: ExecToDescribe};

export interface RootCallOptions extends CallOptions {
  /** A process of this user whose namespace it has to be; null: a new one. */
  readonly joins?: number | null | undefined;
  /** What the call reads from its standard input. */
  readonly input?: AsyncIterable<Uint8Array> | undefined;
}

/** Does it as root of a user namespace, and returns the id of the container. */
export type CallAsRoot = (call: RootCall, options: RootCallOptions) => Promise<string>;

interface CallWork<Call> {
  readonly toolkit: {readonly runtimeDirectory: string};
  readonly call: Call;
}

type Work<Call> = CallWork<Call> & Readonly<Record<string, unknown>>;

/**
 * Has a process of its own do what only root can: nobody becomes root of a user namespace who has several threads.
 *
 * @param entry The module that serves the call: it gets `work` as its first message and answers with `WorkerReply`.
 * @throws {WinchError} `USER_NAMESPACE_DENIED` | of the call
 */
export async function callAsRoot<Result>(
  entry: URL,
  work: Work<RootCall | FileCall>,
  options: RootCallOptions = {},
): Promise<Result> {
  const worker = await startAsRoot(entry, work, options);
  worker.stdout.resume();
  const finished = waitForReply<Result>(worker, options, readComplaints(worker));
  return await whileAbortable(worker, finished, options);
}

/** What a process of root's has opened, and writes to its standard output. */
export interface OpenedAsRoot<Opened> {
  readonly opened: Opened;
  readonly content: AsyncIterable<Uint8Array>;
  close(): void;
}

/** As `callAsRoot`, of what is read while the process goes on. */
export async function openAsRoot<Opened>(
  entry: URL,
  work: Work<TarCall>,
  options: RootCallOptions = {},
): Promise<OpenedAsRoot<Opened>> {
  const worker = await startAsRoot(entry, work, options);
  const {promise: opening, resolve} = Promise.withResolvers<Opened>();
  worker.onMessage((message) => {
    const reply = message as WorkerReply<unknown, Opened>;
    if (reply.type === 'opened') resolve(reply.opened);
  });
  const finished = waitForReply<null>(worker, options, readComplaints(worker));
  const ended = whileAbortable(worker, finished, options);
  ended.catch(() => {});
  const opened = await Promise.race([opening, ended.then(failUnopened)]);
  return {
    opened,
    content: readToEnd(worker.stdout, ended),
    close: () => {
      // A process that waits for a reader notices nothing else.
      worker.stdout.destroy();
      worker.kill('SIGTERM');
    },
  };
}

const failUnopened = (): never => {
  throw new Error('a process has opened nothing, and said nothing of it');
};

async function* readToEnd(stdout: Readable, ended: Promise<unknown>): AsyncGenerator<Uint8Array> {
  yield* stdout;
  await ended;
}

async function startAsRoot<Call>(
  entry: URL,
  work: Work<Call>,
  {joins = null, input, signal}: RootCallOptions,
): Promise<WorkerProcess> {
  const words =
    joins === null ? (await tryUserNamespace(readAccount(), work.toolkit.runtimeDirectory)).words : planJoining(joins);
  signal?.throwIfAborted();
  const worker = startWorkerProcess(entry, words);
  worker.send(work);
  if (!input) worker.stdin.end();
  // What a process does not read to its end is no failure of the call.
  else pipeline(input, worker.stdin).catch(() => {});
  return worker;
}

async function whileAbortable<Result>(
  worker: WorkerProcess,
  finished: Promise<Result>,
  {signal}: CallOptions,
): Promise<Result> {
  const abort = () => worker.kill('SIGTERM');
  signal?.addEventListener('abort', abort, {once: true});
  try {
    return await finished;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function readComplaints({stderr}: WorkerProcess): () => string {
  const pieces: string[] = [];
  stderr.setEncoding('utf8');
  stderr.on('data', (piece: string) => pieces.push(piece));
  return () => pieces.join('').trim();
}
