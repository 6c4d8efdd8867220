import {fstatSync, statSync} from 'node:fs';
import {type FileHandle, open} from 'node:fs/promises';
import {hasErrno} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContainerContext} from '../context.ts';
import {requireContainer} from './find-container.ts';
import {findLogTail} from './find-log-tail.ts';
import {createLogReader, type LogFilter, type LogPiece} from './log-records.ts';
import {placesOf} from './places.ts';
import {readState} from './read-state.ts';
import {findRecord, type KeptRecord} from './record.ts';
import {type ContainerWatch, watchContainer} from './watch-container.ts';

export interface LogsOptions extends CallOptions, LogFilter {
  /** How many lines from the end; absent: all. */
  readonly tail?: number | undefined;
  /** Whether to go on until the container ends. */
  readonly follow?: boolean | undefined;
  /** Byte of the log, between two lines of it, from which on to read; absent: the first, or as `tail` says. */
  readonly offset?: number | undefined;
}

const PIECE_BYTES = 256 * 1024;

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
  const path = placesOf(context, record.id).log;
  const read = createLogReader(options);
  const isGoing = options.follow ? () => isStillWritten(context, record, options) : async () => false;
  let [file, offset] = [await openLog(path), options.offset];
  while (file !== null) {
    await using log = file;
    offset ??= options.tail === undefined ? 0 : await findLogTail(log, options.tail);
    using watch = watchContainer(context, record.id, [path]);
    const reading = {log, path, offset, isGoing, watch, signal: options.signal};
    for await (const piece of readPieces(reading)) yield* read(piece);
    file = options.follow ? await openSuccessor(path, log) : null;
    offset = 0;
  }
}

interface Reading {
  readonly log: FileHandle;
  readonly path: string;
  readonly offset: number;
  /** Whether more may come. */
  readonly isGoing: () => Promise<boolean>;
  readonly watch: ContainerWatch;
  readonly signal: AbortSignal | undefined;
}

/** Until no more comes, or until another file has taken its place. */
async function* readPieces({log, path, offset, isGoing, watch, signal}: Reading): AsyncGenerator<Buffer> {
  // Another file had its place when somebody learned how long it was.
  let position = offset > sizeOf(log) ? 0 : offset;
  for (;;) {
    signal?.throwIfAborted();
    // Asked before reading: what comes until the end is then read as well.
    const mayGrow = (await isGoing()) && !isReplaced(path, log);
    const before = position;
    for (let bytes = sizeOf(log) - position; bytes > 0; bytes = sizeOf(log) - position) {
      signal?.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(bytes, PIECE_BYTES));
      const {bytesRead} = await log.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (!mayGrow) return;
    if (position === before) await watch.change(signal);
  }
}

/** On this thread: a look at a file that does not change is not worth another one. */
const sizeOf = (log: FileHandle): number => fstatSync(log.fd).size;

function isReplaced(path: string, log: FileHandle): boolean {
  const now = statSync(path, {throwIfNoEntry: false});
  return now !== undefined && now.ino !== fstatSync(log.fd).ino;
}

/** Null: there is none. */
const openSuccessor = async (path: string, log: FileHandle): Promise<FileHandle | null> =>
  isReplaced(path, log) ? await openLog(path) : null;

async function isStillWritten(context: ContainerContext, record: KeptRecord, {until}: LogsOptions): Promise<boolean> {
  if (until !== undefined && context.now() > until.getTime()) return false;
  return findRecord(context, record.id) !== null && (await readState(context, record)).state === 'running';
}

async function openLog(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
