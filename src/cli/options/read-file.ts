import {closeSync, fstatSync, openSync, readFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';

const LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * Reads a file that a flag names, at most 4 MiB.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function readFlagFile(flag: string, path: string, environment: Environment): string {
  const refuse = (problem: string) => flagInvalid(flag, `${quote(path)} ${problem}`, `${flag} with a file's path`);
  const descriptor = openFlagFile(flag, path, environment);
  try {
    const status = fstatSync(descriptor);
    if (status.isDirectory()) throw refuse('is a directory');
    if (status.size > LIMIT_BYTES) throw refuse('is larger than 4 MiB');
    return new TextDecoder('utf-8', {fatal: true}).decode(readFileSync(descriptor));
  } catch (error) {
    if (hasErrno(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) throw refuse('is not UTF-8 text');
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function openFlagFile(flag: string, path: string, environment: Environment): number {
  try {
    return openSync(resolve(environment.workingDirectory(), path), 'r');
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    const problem = error.code === 'EACCES' ? 'may not be read' : 'does not exist';
    throw flagInvalid(flag, `${quote(path)} ${problem}`, `${flag} with a file's path`);
  }
}

/** Its lines, but for empty ones and those behind a `#`; what is in front of a line is no part of it. */
export const readFlagLines = (...file: Parameters<typeof readFlagFile>): readonly string[] =>
  readFlagFile(...file)
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
