import type {Readable} from 'node:stream';
import {WinchError} from '../errors.ts';

/**
 * All of standard input.
 *
 * @throws {WinchError} `INPUT_TOO_LARGE`
 */
export async function readStandardInput(
  input: Readable,
  {limitBytes, signal}: {readonly limitBytes: number; readonly signal: AbortSignal},
): Promise<Buffer> {
  signal.throwIfAborted();
  const onAbort = () => void input.destroy(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    const pieces: Buffer[] = [];
    let total = 0;
    for await (const piece of input) {
      pieces.push(piece);
      total += piece.length;
      if (total > limitBytes) throw tooLarge(limitBytes);
    }
    return Buffer.concat(pieces);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function tooLarge(limitBytes: number): WinchError {
  return new WinchError('INPUT_TOO_LARGE', `standard input holds more than ${limitBytes} bytes`, {
    kind: 'invalid',
    hint: 'check what is piped into winch',
  });
}
