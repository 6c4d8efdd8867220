import type {Readable} from 'node:stream';
import {WinchError} from '../errors.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';
import {connectionError} from './connection-errors.ts';

/** Progress that lets a body be waited for anew: with the default of 60 s, 1 KiB/s. */
export const STALL_BYTES = 61_440;

export interface BodyOptions {
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
  readonly stallMs: number;
}

export interface ReadLimit {
  readonly limitBytes: number;
  /** The error for a longer body. */
  readonly tooLarge: () => WinchError;
}

/**
 * The chunks of a response as they come; leaving early destroys the stream.
 *
 * Only time spent waiting counts as a stall, so a slow reader is no reason to fail.
 *
 * @throws {WinchError} `REGISTRY_UNAVAILABLE`: cut or stalled.
 */
export async function* readBody(stream: Readable, options: BodyOptions): AsyncGenerator<Uint8Array> {
  const stall = watchForStall(options, (error) => void stream.destroy(error));
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      stall.stopWaiting(chunk.length);
      yield chunk;
      stall.startWaiting();
    }
  } catch (error) {
    throw stall.error ?? connectionError(error, options);
  } finally {
    stall.end();
  }
}

/**
 * The whole body, when it is at most `limitBytes` long; no more than one chunk over that is read.
 */
export async function readLimited(
  response: {readonly body: AsyncIterable<Uint8Array>},
  {limitBytes, tooLarge}: ReadLimit,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Reads a body to its end for nothing; a failure ends it as well. */
export async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const _ of body);
  } catch (error) {
    if (!(error instanceof WinchError)) throw error;
  }
}

function watchForStall({url, stallMs}: BodyOptions, onStall: (error: WinchError) => void) {
  let waitedMs = 0;
  let progressBytes = 0;
  let waitingSince = monotonicMs();
  let isWaiting = true;
  const watch = {
    error: null as WinchError | null,
    stopWaiting(receivedBytes: number) {
      isWaiting = false;
      progressBytes += receivedBytes;
      if (progressBytes < STALL_BYTES) {
        waitedMs += monotonicMs() - waitingSince;
        return;
      }
      waitedMs = 0;
      progressBytes = 0;
    },
    startWaiting() {
      isWaiting = true;
      waitingSince = monotonicMs();
    },
    end: () => clearInterval(timer),
  };
  const timer = setInterval(() => {
    if (!isWaiting || waitedMs + monotonicMs() - waitingSince < stallMs) return;
    watch.error = stallError(url, stallMs);
    onStall(watch.error);
  }, stallMs / 20);
  return watch;
}

function stallError(url: URL, stallMs: number): WinchError {
  return new WinchError(
    'REGISTRY_UNAVAILABLE',
    `${url.host} stopped sending data (${stallMs / 1000} s without progress)`,
    {
      kind: 'unavailable',
      hint: 'try again later; check the network',
      details: {host: url.host},
    },
  );
}
