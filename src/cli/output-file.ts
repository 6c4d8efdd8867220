import {createWriteStream} from 'node:fs';
import {realpath, rename, rm, stat} from 'node:fs/promises';
import {dirname, resolve} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {hasErrno, WinchError} from '../errors.ts';
import {syncDirectory} from '../host/atomic-write.ts';
import {randomHex} from '../host/random-hex.ts';
import {quote} from './arguments/usage-error.ts';
import type {CommandContext} from './command.ts';

/**
 * Writes bytes to the file that `--output` names, or to standard output for none and for `-`.
 *
 * A file appears under its name when it is whole and, unless durability is `fast`, on the disk; it stays as it was when
 * something fails. A device or a pipe is written to as the bytes come.
 *
 * @throws {WinchError} `OUTPUT_FAILED`, and what `pieces` throws
 */
export async function writeResult(
  context: CommandContext,
  output: string | undefined,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  if (output !== undefined && output !== '-') {
    await writeFile(resolve(context.environment.workingDirectory(), output), pieces, context);
    return;
  }
  for await (const piece of pieces) if (!context.writeBytes(piece)) return;
}

/** Bytes that are all at hand, for `writeResult`. */
export async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function writeFile(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  {signal, durability}: CommandContext,
): Promise<void> {
  const place = await findPlace(path);
  const flush = durability === 'full' && !place.isSpecial;
  const staging = place.isSpecial ? place.path : `${place.path}.${randomHex(6)}.tmp`;
  let isDone = false;
  try {
    await pipeline(pieces, createWriteStream(staging, {flags: place.isSpecial ? 'w' : 'wx', flush}), {signal});
    if (!place.isSpecial) await rename(staging, place.path);
    if (flush) await syncDirectory(dirname(place.path)).catch(ignoreUnreadable);
    isDone = true;
  } catch (error) {
    signal.throwIfAborted();
    throw hasErrno(error, ...WRITE_ERRORS) ? outputFailed(path, error) : error;
  } finally {
    if (!isDone && !place.isSpecial) await rm(staging, {force: true});
  }
}

/** A directory in which files may be made and not listed. */
function ignoreUnreadable(error: unknown): void {
  if (!hasErrno(error, 'EACCES')) throw error;
}

const WRITE_ERRORS = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'EPIPE'];

/** What a link leads to; a directory is left to fail as one. */
async function findPlace(path: string): Promise<{readonly path: string; readonly isSpecial: boolean}> {
  try {
    return {path: await realpath(path), isSpecial: !(await stat(path)).isFile()};
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return {path, isSpecial: false};
    throw error;
  }
}

const outputFailed = (path: string, cause: NodeJS.ErrnoException): WinchError =>
  new WinchError('OUTPUT_FAILED', `${quote(path)} cannot be written: ${cause.code}`, {
    kind: 'storage',
    hint: 'nothing was written; check the directory, its permissions and its free space',
    cause,
  });
