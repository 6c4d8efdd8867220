import {type FileHandle, open} from 'node:fs/promises';
import {hasErrno} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {type FileWatch, watchFile} from '../../host/watch-file.ts';
import type {ContainerContext} from '../context.ts';
import {requireContainer} from './find-container.ts';
import {findLogTail} from './find-log-tail.ts';
import {createLogReader, type LogFilter, type LogPiece} from './log-records.ts';
import {placesOf} from './places.ts';
import {readState} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';

export interface LogsOptions extends CallOptions, LogFilter {
  /** How many lines from the end; absent: all. */
  readonly tail?: number | undefined;
  /** Whether to go on until the container ends. */
  readonly follow?: boolean | undefined;
  /** Byte of the log, between two lines of it, from which on to read; absent: the first, or as `tail` says. */
  readonly offset?: number | undefined;
}

const PIECE_BYTES = 256 * 1024;
const POLL_MS = 50;

/**
 * Reads what a container has printed, in all its starts, byte for byte and in the order in which it came. Memory does not
 * grow with the log or its lines.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `STORE_CORRUPT`
 */
export async function* readLogs(
  context: ContainerContext,
  text: string,
  options: LogsOptions = {},
): AsyncGenerator<LogPiece> {
  const record = requireContainer(context, text);
  const file = await openLog(context, record);
  if (file === null) return;
  try {
    const {offset = options.tail === undefined ? 0 : await findLogTail(file, options.tail)} = options;
    const read = createLogReader(options);
    const isGoing = options.follow ? () => isStillWritten(context, record, options) : async () => false;
    using changes = watchFile(placesOf(context, record.id).log);
    for await (const piece of readPieces(file, {offset, isGoing, changes, signal: options.signal})) yield* read(piece);
  } finally {
    await file.close();
  }
}

interface Reading {
  readonly offset: number;
  /** Whether more may come. */
  readonly isGoing: () => Promise<boolean>;
  readonly changes: FileWatch;
  readonly signal: AbortSignal | undefined;
}

async function* readPieces(file: FileHandle, {offset, isGoing, changes, signal}: Reading): AsyncGenerator<Buffer> {
  let position = offset;
  for (;;) {
    signal?.throwIfAborted();
    // Asked before reading: what comes until the end is then read as well.
    const mayGrow = await isGoing();
    const before = position;
    for (;;) {
      signal?.throwIfAborted();
      const {buffer, bytesRead} = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (!mayGrow) return;
    if (position === before) await changes.change(POLL_MS);
  }
}

async function isStillWritten(context: ContainerContext, record: KeptRecord, {until}: LogsOptions): Promise<boolean> {
  if (until !== undefined && context.now() > until.getTime()) return false;
  return findRecord(context, record.id) !== null && (await readState(context, record)).state === 'running';
}

async function openLog(context: ContainerContext, {id}: KeptRecord): Promise<FileHandle | null> {
  try {
    return await open(placesOf(context, id).log, 'r');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
