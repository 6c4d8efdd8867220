import {createDetachScanner, DEFAULT_DETACH_KEYS, readDetachKeys} from '../containers/detach-keys.ts';
import type {LogPiece} from '../containers/kept/log-records.ts';
import {WinchError} from '../errors.ts';
import type {ClientStream} from './client-stream.ts';
import {framed} from './stream-frames.ts';

/** The standard streams of something that runs. */
export interface StandardStreams {
  readonly hasTerminal: boolean;
  output(): AsyncGenerator<LogPiece>;
  write(bytes: Uint8Array): Promise<boolean>;
  endInput(): Promise<void>;
}

/** Which streams a client asks for, and how it gets them. */
export interface StreamWishes {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Whether each piece has a header of its stream and length. */
  readonly isFramed: boolean;
  /** What leaves a terminal. */
  readonly detachKeys: Uint8Array;
}

/**
 * Connects a client to standard streams, until the output has ended, or the client has typed what leaves a terminal.
 *
 * @returns which of the two.
 */
export async function converse(
  streams: StandardStreams,
  client: ClientStream,
  wishes: StreamWishes,
): Promise<'ended' | 'detached'> {
  const ended = passOutput(streams.output(), client, wishes).then(() => 'ended' as const);
  if (wishes.stdin) return await Promise.race([ended, passInput(streams, client, wishes)]);
  client.ignoreInput();
  return await ended;
}

/** Tells a client what was printed, no faster than it listens. */
export async function passOutput(
  output: AsyncIterable<LogPiece>,
  client: ClientStream,
  {isFramed, ...wanted}: StreamWishes,
): Promise<void> {
  for await (const piece of output) {
    if (wanted[piece.stream]) await client.write(isFramed ? framed(piece) : piece.bytes);
  }
}

/** Settles only when the keys were typed; what is there without input is followed on. */
async function passInput(
  streams: StandardStreams,
  client: ClientStream,
  {detachKeys}: StreamWishes,
): Promise<'detached'> {
  const scan = streams.hasTerminal ? createDetachScanner(detachKeys) : null;
  try {
    for await (const piece of client.input()) {
      const {bytes, isDetached} = scan ? scan(piece) : {bytes: piece, isDetached: false};
      const isRead = bytes.length === 0 || (await streams.write(bytes));
      if (isDetached) return 'detached';
      if (!isRead) break;
    }
    await streams.endInput();
  } catch {
    // A client that is gone has been noticed, and what is typed at the end is for nobody.
  }
  client.ignoreInput();
  return await new Promise(() => {});
}

/**
 * The keys of a request that leave a terminal; docker's own where it names none.
 *
 * @throws {WinchError} `DETACH_KEYS_INVALID`
 */
export function parseDetachKeys(words: string | null | undefined): Uint8Array {
  const keys = readDetachKeys(words || DEFAULT_DETACH_KEYS);
  if (keys !== null) return keys;
  throw new WinchError('DETACH_KEYS_INVALID', 'the detach keys of the request are no keys', {
    kind: 'invalid',
    hint: 'name letters and ctrl- with a letter, separated by commas',
  });
}
