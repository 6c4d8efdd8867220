import {open} from 'node:fs/promises';
import {MessageChannel, type MessagePort} from 'node:worker_threads';
import {type ErrorRecord, errorFromRecord, recordError} from './error-record.ts';
import {untilAborted} from './until-aborted.ts';

/** A file that one party still appends to while another reads it, in this thread or in a worker. */
export interface GrowingFile {
  /** The reader's side, for {@link readGrowingFile}; to send it to a worker, transfer its `port`. */
  readonly view: GrowingFileView;
  /**
   * Resolves once there is something to read, or the file is whole: who reads earlier has nothing to do.
   *
   * @throws what the writer failed with before that; `signal.reason` on abort.
   */
  begun(signal?: AbortSignal): Promise<void>;
  /** Says that the first `availableBytes` bytes are in the file. */
  advance(availableBytes: number): void;
  /** Says that the file is whole. */
  complete(): void;
  /** Says that no more will come; the reader throws `error` once it has read what there is. */
  fail(error: unknown): void;
}

export interface GrowingFileView {
  readonly path: string;
  readonly expectedBytes: number;
  readonly port: MessagePort;
}

export interface ReadGrowingFileOptions {
  readonly signal?: AbortSignal | undefined;
}

type GrowthMessage = {readonly availableBytes: number} | {readonly failure: ErrorRecord};

interface Growth {
  availableBytes: number;
  failure: {readonly error: unknown} | null;
}

/** Reads of this size keep the decompressor's queue filled with few messages between threads. */
const READ_BYTES = 512 * 1024;

/** The writer's side of a file that is to have `expectedBytes` bytes. The file itself is the caller's to write. */
export function createGrowingFile(path: string, expectedBytes: number): GrowingFile {
  const {port1, port2} = new MessageChannel();
  const beginning = Promise.withResolvers<void>();
  // Not everybody waits for it.
  beginning.promise.catch(() => {});
  const send = (message: GrowthMessage) => port1.postMessage(message);
  const advance = (availableBytes: number) => {
    send({availableBytes});
    beginning.resolve();
  };
  return {
    view: {path, expectedBytes, port: port2},
    begun: (signal) => untilAborted(beginning.promise, signal),
    advance,
    complete: () => {
      advance(expectedBytes);
      port1.close();
    },
    fail: (error) => {
      send({failure: recordError(error)});
      beginning.reject(error);
      port1.close();
    },
  };
}

/**
 * The bytes of a growing file from its start: waits at its end for more, ends after `expectedBytes`.
 *
 * To be iterated once; closes the view's port when it ends, fails or is left. Throws what the writer failed with,
 * `signal.reason` on abort, and a plain Error when the file is shorter than was said.
 */
export async function* readGrowingFile(
  view: GrowingFileView,
  {signal}: ReadGrowingFileOptions = {},
): AsyncGenerator<Buffer> {
  signal?.throwIfAborted();
  const growth = watchGrowth(view.port, signal);
  try {
    await using file = await open(view.path);
    for (let position = 0; position < view.expectedBytes; ) {
      const availableBytes = await growth.beyond(position);
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, availableBytes - position));
      const {bytesRead} = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0)
        throw new Error(`${view.path} ends at ${position} and was said to have ${availableBytes} bytes`);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    growth.stop();
  }
}

/** Follows the writer's messages; `beyond` waits until there are more bytes than `position`. */
function watchGrowth(port: MessagePort, signal: AbortSignal | undefined) {
  const growth: Growth = {availableBytes: 0, failure: null};
  let wake = () => {};
  const onMessage = (message: GrowthMessage) => {
    if ('failure' in message) growth.failure = {error: errorFromRecord(message.failure)};
    else growth.availableBytes = message.availableBytes;
    wake();
  };
  const onAbort = () => {
    growth.failure = {error: signal?.reason};
    wake();
  };
  const onClose = () => {
    growth.failure ??= {error: new Error('the writer of a growing file is gone')};
    wake();
  };
  port.on('message', onMessage).on('close', onClose);
  signal?.addEventListener('abort', onAbort);
  return {
    beyond: async (position: number) => {
      while (growth.availableBytes <= position || signal?.aborted) {
        if (growth.failure) throw growth.failure.error;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return growth.availableBytes;
    },
    stop: () => {
      signal?.removeEventListener('abort', onAbort);
      port.off('close', onClose);
      port.close();
    },
  };
}
