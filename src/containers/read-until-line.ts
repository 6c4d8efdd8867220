import type {Readable} from 'node:stream';
import {createLineFinder} from './line-finder.ts';

export interface LineRequest {
  /** What the line contains, or matches. */
  readonly pattern: string | RegExp;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads streams until one of them has had a line; what comes after it stays to be read.
 *
 * @returns null: they have ended without it.
 * @throws `signal.reason`
 */
export async function readUntilLine(
  streams: readonly Readable[],
  {pattern, signal}: LineRequest,
): Promise<string | null> {
  const over = new AbortController();
  const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const {promise: found, resolve} = Promise.withResolvers<string>();
  const reads = streams.map(async (stream) => {
    const line = await readOne(stream, {pattern, signal: either});
    if (line !== null) resolve(line);
  });
  try {
    return await Promise.race([found, Promise.all(reads).then(() => null)]);
  } finally {
    over.abort();
    await Promise.allSettled(reads);
    signal?.throwIfAborted();
  }
}

async function readOne(stream: Readable, {pattern, signal}: LineRequest): Promise<string | null> {
  const finder = createLineFinder(pattern);
  for (;;) {
    if (signal?.aborted) return null;
    const piece: Buffer | null = stream.read();
    if (piece === null) {
      if (stream.readableEnded || stream.destroyed) return finder.end();
      await nextChange(stream, signal);
      continue;
    }
    const line = finder.add(piece);
    if (line === null) continue;
    if (line.restBytes > 0) stream.unshift(piece.subarray(piece.length - line.restBytes));
    return line.line;
  }
}

/** Until there is more to read, or nothing more will come. */
function nextChange(stream: Readable, signal: AbortSignal | undefined): Promise<void> {
  const names = ['readable', 'end', 'close', 'error'] as const;
  return new Promise((resolve) => {
    const finish = () => {
      for (const name of names) stream.off(name, finish);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    for (const name of names) stream.on(name, finish);
    signal?.addEventListener('abort', finish, {once: true});
  });
}
