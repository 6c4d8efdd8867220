import {type ChildProcessByStdio, spawn} from 'node:child_process';
import {once} from 'node:events';
import type {Readable, Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';

export interface FilterOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** The error of a program that failed; `said` is what it wrote to standard error. */
  readonly onFailure: (said: string) => Error;
}

type Filter = ChildProcessByStdio<Writable, Readable, Readable>;

const SAID_LIMIT = 4096;

/**
 * What a program makes of a stream, without a shell and with nothing inherited but what is given. To be read to its end
 * or left with `return`, which ends the program and releases the source. On abort `signal.reason` is thrown.
 *
 * @throws a Node system error (`ENOENT`) when it cannot be started
 */
export async function* filterThrough(
  [file, ...words]: readonly [file: string, ...words: string[]],
  source: AsyncIterable<Uint8Array>,
  {environment, signal, onFailure}: FilterOptions,
): AsyncGenerator<Buffer> {
  const child: Filter = spawn(file, words, {env: environment, stdio: ['pipe', 'pipe', 'pipe']});
  const said = collect(child.stderr);
  const ended = once(child, 'close');
  ended.catch(() => {});
  const abort = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', abort);
  try {
    await once(child, 'spawn');
    signal?.throwIfAborted();
    const feeding = feed(child, source);
    for await (const chunk of child.stdout) yield chunk;
    const [code] = await ended;
    signal?.throwIfAborted();
    feeding.throwIfFailed();
    if (code !== 0) throw onFailure(said());
  } finally {
    signal?.removeEventListener('abort', abort);
    child.kill('SIGKILL');
    child.stdin.destroy();
  }
}

/** Not waited for: a program that takes no more has its own reasons, while the source may have nothing for long. */
function feed(child: Filter, source: AsyncIterable<Uint8Array>) {
  let failure: {readonly error: unknown} | null = null;
  async function* watched() {
    try {
      yield* source;
    } catch (error) {
      failure = {error};
      throw error;
    }
  }
  pipeline(watched(), child.stdin).catch(() => {});
  return {
    throwIfFailed: () => {
      if (failure) throw failure.error;
    },
  };
}

function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => {
    if (text.length < SAID_LIMIT) text += piece;
  });
  return () => text.slice(0, SAID_LIMIT).trim();
}
