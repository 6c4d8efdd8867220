import {writeSync} from 'node:fs';
import {hasErrno, WinchError} from '../../errors.ts';

const RETRY_MS = 5;

/** Where text goes: standard output, standard error or a test's list. */
export interface Output {
  /** @returns False: nobody reads any more. */
  write(text: string | Uint8Array): unknown;
}

/** A terminal to draw on, such as `process.stderr`. */
export interface Terminal extends NodeJS.WritableStream {
  readonly columns?: number;
  readonly rows?: number;
}

/**
 * Writes to a descriptor at once and in full, so nothing is cut off however the process ends.
 *
 * `process.stdout` would do for text alone, but it makes the pipe behind it non-blocking, and the container shares that
 * pipe: its own writes would fail with EAGAIN. A reader that has gone away (`| head -1`, a closed terminal) is no
 * failure: the rest is dropped.
 *
 * @param options.isVital Whether text that cannot be written is a failure of the command; remarks are not vital.
 * @throws {WinchError} `OUTPUT_FAILED`
 */
export function createOutput(descriptor: number, options: {readonly isVital: boolean}): Output {
  let isOpen = true;
  return {
    write: (text) => {
      let rest = typeof text === 'string' ? Buffer.from(text) : text;
      while (isOpen && rest.length > 0) {
        try {
          rest = rest.subarray(writeSync(descriptor, rest));
        } catch (error) {
          if (hasErrno(error, 'EAGAIN')) sleep(RETRY_MS);
          else if (options.isVital && !hasErrno(error, 'EPIPE', 'EIO', 'EBADF')) throw outputFailed(error);
          else isOpen = false;
        }
      }
      return isOpen;
    },
  };
}

const sleep = (milliseconds: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

function outputFailed(error: unknown): WinchError {
  const cause = error instanceof Error ? error.message : String(error);
  return new WinchError('OUTPUT_FAILED', `the result cannot be written: ${cause}`, {kind: 'storage', cause: error});
}
