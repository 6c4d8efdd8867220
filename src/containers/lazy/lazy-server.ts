import {WinchError} from '../../errors.ts';
import type {CallOptions, WinchEvent} from '../../events.ts';
import {type ErrorRecord, errorFromRecord} from '../../host/error-record.ts';
import type {FuseDevice} from '../../host/fuse/mount-fuse.ts';
import {startWorkerProcess, type WorkerProcess} from '../../host/worker-process.ts';
import type {LazyImage} from '../../images/partial/lazy-image.ts';
import type {LazyServiceRequest} from '../../images/partial/serve-lazily.ts';

/** What the process that serves files is told, in its first message. */
export interface LazyServerWork<Toolkit = unknown> {
  readonly toolkit: Toolkit;
  readonly request: LazyServiceRequest;
}

export type LazyServerReply =
  | {readonly type: 'event'; readonly event: WinchEvent}
  | {readonly type: 'opened'; readonly image: LazyImage}
  | {readonly type: 'failure'; readonly failure: ErrorRecord};

/** How the process is started. */
export interface LazyServerEntry {
  readonly entry: URL;
  readonly toolkit: Readonly<Record<string, unknown>>;
}

export interface LazyServer {
  /** Settles when the image can be mounted; rejects as `openLazyImage`. */
  readonly opened: Promise<LazyImage>;
  /** Aborted when the process ends before {@link LazyServer.end}. */
  readonly signal: AbortSignal;
  /** Ends the process, and waits for that. What it served is gone. */
  end(): Promise<void>;
}

/** Behind the standard streams and the channel of messages. */
const DEVICE_FD = 4;

/** Starts the process that serves the files of an image on a device; it ends with this process at the latest. */
export function startLazyServer(
  {entry, toolkit}: LazyServerEntry,
  {device, ...request}: Omit<LazyServiceRequest, 'device'> & {readonly device: FuseDevice},
  {onEvent, signal}: CallOptions,
): LazyServer {
  const worker = startWorkerProcess(entry, [], {streams: [device.fd], hasOwnSession: true});
  for (const stream of [worker.stdout, worker.stderr]) stream.resume();
  const ended = waitForEnd(worker);
  const ending = new AbortController();
  let isEnding = false;
  const opened = new Promise<LazyImage>((resolve, reject) => {
    worker.onMessage((message) => {
      const reply = message as LazyServerReply;
      if (reply.type === 'event') onEvent?.(reply.event);
      else if (reply.type === 'opened') resolve(reply.image);
      else reject(errorFromRecord(reply.failure));
    });
    worker.onError(reject);
    // As long as the kernel takes its files apart it has not ended yet, and the container fails already.
    worker.onDisconnect(() => {
      if (!isEnding) ending.abort(serverEnded());
      reject(signal?.aborted ? signal.reason : serverEnded());
    });
  });
  opened.catch(() => {});
  const end = async () => {
    isEnding = true;
    worker.kill('SIGKILL');
    await ended;
  };
  // Once there is a container, it may need its files to end well.
  const abort = () => void end();
  signal?.addEventListener('abort', abort, {once: true});
  opened.then(() => signal?.removeEventListener('abort', abort)).catch(() => {});
  worker.send({toolkit, request: {...request, device: DEVICE_FD}} satisfies LazyServerWork);
  return {opened, signal: ending.signal, end};
}

/** What it has said comes before that. */
const waitForEnd = (worker: WorkerProcess): Promise<void> =>
  new Promise((resolve) => {
    worker.onExit(() => worker.onDisconnect(resolve));
    worker.onError(() => resolve());
  });

const serverEnded = (): WinchError =>
  new WinchError('LAZY_SERVER_ENDED', 'the process that fetches files for the container has ended', {
    kind: 'unavailable',
    hint: 'run it again; a pull before that makes it independent of the registry',
  });
