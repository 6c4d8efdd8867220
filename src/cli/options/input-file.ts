import {createReadStream} from 'node:fs';
import {resolve} from 'node:path';
import {hasErrno, WinchError} from '../../errors.ts';
import {quote} from '../arguments/usage-error.ts';
import type {CommandContext} from '../command.ts';

/**
 * Reads the file that a positional names, `-` for standard input. Of a larger file comes one byte more than the limit.
 *
 * @throws {WinchError} `INPUT_UNREADABLE`, and those of `Environment.readStandardInput`
 */
export async function readInputFile(
  path: string,
  limitBytes: number,
  {environment, signal}: Pick<CommandContext, 'environment' | 'signal'>,
): Promise<Buffer> {
  if (path === '-') return await environment.readStandardInput({limitBytes, signal});
  const pieces: Buffer[] = [];
  try {
    const file = createReadStream(resolve(environment.workingDirectory(), path), {end: limitBytes, signal});
    for await (const piece of file) pieces.push(piece);
  } catch (error) {
    signal.throwIfAborted();
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) throw unreadable(path, error);
    throw error;
  }
  return Buffer.concat(pieces);
}

const unreadable = (path: string, cause: NodeJS.ErrnoException): WinchError =>
  new WinchError('INPUT_UNREADABLE', `${quote(path)} cannot be read: ${cause.code}`, {
    kind: 'invalid',
    hint: 'name a file, or - for standard input',
    cause,
  });
