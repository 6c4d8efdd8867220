import type {Readable, Writable} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {isWinchError} from '../errors.ts';
import type {CallOptions, EventSink} from '../events.ts';
import {isRoot, readAccount} from '../host/account.ts';
import {tryUserNamespace} from '../host/try-user-namespace.ts';
import {untilAborted} from '../host/until-aborted.ts';
import {startWorkerProcess} from '../host/worker-process.ts';
import type {ContainerContext} from './context.ts';
import type {WaitForPortOptions} from './kept/wait-for-port.ts';
import type {RunRequest, RunResult} from './run.ts';
import {waitForReply} from './worker-reply.ts';

/** A container with its streams; disposing of it ends the container and waits until nothing of it is left. */
export interface ContainerProcess extends AsyncDisposable {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Rejects as `run` does. */
  readonly finished: Promise<RunResult>;
  /** Its id, once its command has begun, under which other calls find it; rejects when that never comes. */
  readonly started: Promise<string>;
  /**
   * Reads what it prints up to a line that contains or matches this, on either stream; what comes after that stays to be
   * read. @returns the line
   *
   * @throws {WinchError} `LINE_MISSING`: it has ended without it
   */
  waitForLine(pattern: string | RegExp, options?: CallOptions): Promise<string>;
  /** Waits until something in it waits for connections at this port of its own. */
  waitForPort(port: number, options?: WaitForPortOptions): Promise<void>;
  /** Waits until a check has found that it does its work. */
  waitUntilHealthy(options?: CallOptions): Promise<void>;
  /** Passes a signal to the container's first process; SIGTERM when absent. */
  kill(signal?: NodeJS.Signals): void;
}

const POLL_MS = 20;

interface SpawnWork {
  readonly request: RunRequest;
  readonly toolkit: {readonly runtimeDirectory: string};
}

export interface SpawnSettings {
  /** The module that serves a run: it gets `work` as its first message and answers with `WorkerReply`. */
  readonly entry: URL;
  readonly work: SpawnWork & Readonly<Record<string, unknown>>;
}

/** Runs a container in a process of its own, since a run changes the mount namespace of its process. */
export async function spawnContainer(
  context: ContainerContext,
  {entry, work}: SpawnSettings,
  options: CallOptions,
): Promise<ContainerProcess> {
  options.signal?.throwIfAborted();
  const worker = startWorkerProcess(entry, await findRootWords(work.toolkit.runtimeDirectory));
  const {promise: begun, resolve: begin} = Promise.withResolvers<string>();
  const onEvent: EventSink = (event) => {
    if (event.type === 'container:started') begin(event.id);
    options.onEvent?.(event);
  };
  const finished = waitForReply<RunResult>(worker, {...options, onEvent});
  finished.catch(() => {});
  worker.send(work);
  const abort = () => worker.kill('SIGTERM');
  options.signal?.addEventListener('abort', abort, {once: true});
  // What has ended has an id as well, also when nobody has heard of its beginning.
  const started = Promise.race([begun, finished.then(({id}) => id)]);
  started.catch(() => {});
  const container: ContainerProcess = {
    started,
    ...waitsOf(context, {started, finished, streams: [worker.stdout, worker.stderr]}),
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

interface Spawned {
  readonly started: Promise<string>;
  readonly finished: Promise<RunResult>;
  readonly streams: readonly Readable[];
}

function waitsOf(
  context: ContainerContext,
  {started, finished, streams}: Spawned,
): Pick<ContainerProcess, 'waitForLine' | 'waitForPort' | 'waitUntilHealthy'> {
  const isOver = finished.then(
    () => true,
    () => true,
  );
  /** The runtime knows of it a little later than this process. */
  const onceItRuns = async (work: (id: string) => Promise<void>, signal: AbortSignal | undefined) => {
    const id = await untilAborted(started, signal);
    for (;;) {
      try {
        return await work(id);
      } catch (error) {
        if (!isWinchError(error) || !['CONTAINER_STOPPED', 'CONTAINER_UNKNOWN'].includes(error.code)) throw error;
        if (await Promise.race([isOver, sleep(POLL_MS, false)])) throw error;
      }
    }
  };
  return {
    waitForLine: async (pattern, {signal} = {}) => {
      const {readUntilLine} = await import('./read-until-line.ts');
      const line = await readUntilLine(streams, {pattern, signal});
      if (line !== null) return line;
      // What could not begin has printed nothing.
      await started;
      throw (await import('./kept/wait-for-line.ts')).lineMissing('the container', pattern);
    },
    waitForPort: async (port, options = {}) => {
      const {waitForPort} = await import('./kept/wait-for-port.ts');
      await onceItRuns((id) => waitForPort(context, id, {...options, port}), options.signal);
    },
    waitUntilHealthy: async (options = {}) => {
      const {waitUntilHealthy} = await import('./health/wait-until-healthy.ts');
      await onceItRuns((id) => waitUntilHealthy(context, id, options), options.signal);
    },
  };
}

/** Somebody else than root runs containers as root of a user namespace. */
async function findRootWords(runtimeDirectory: string): Promise<readonly string[]> {
  if (isRoot()) return [];
  return (await tryUserNamespace(readAccount(), runtimeDirectory)).words;
}
