import {flagInvalid, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {readFlagLines} from './read-file.ts';

/**
 * Reads `-e` and `--env-file` into `NAME=value` entries, files first, as docker orders them.
 *
 * A name alone takes the value that winch itself was started with, and is left out when there is none. Lines of a file
 * are taken as they are: quotes and `#` within a line belong to the value.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function readEnvironmentVariables(
  flags: {readonly env: readonly string[]; readonly envFiles: readonly string[]},
  environment: Environment,
): readonly string[] {
  const fromFiles = flags.envFiles.flatMap((path) => parseEnvironmentFile(path, environment));
  return [...fromFiles, ...flags.env].flatMap((entry) => resolveEntry(entry, environment));
}

function parseEnvironmentFile(path: string, environment: Environment): readonly string[] {
  return readFlagLines('--env-file', path, environment).map((line) => {
    const [name = ''] = line.split('=', 1);
    const isName = name !== '' && !/\s/.test(line.includes('=') ? name : name.trimEnd());
    if (isName) return line.includes('=') ? line : line.trimEnd();
    throw flagInvalid('--env-file', `${quote(line)} in ${quote(path)} names no variable`, 'lines of NAME=value');
  });
}

function resolveEntry(entry: string, {variables}: Environment): readonly string[] {
  const equals = entry.indexOf('=');
  if (entry === '' || equals === 0) throw flagInvalid('--env', `${quote(entry)} names no variable`, '-e NAME=value');
  if (entry.includes('\0')) throw flagInvalid('--env', `${quote(entry)} has a zero byte`, '-e NAME=value');
  if (equals !== -1) return [entry];
  const value = variables[entry];
  return value === undefined ? [] : [`${entry}=${value}`];
}
