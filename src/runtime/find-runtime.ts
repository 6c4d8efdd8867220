import {accessSync, constants, statSync} from 'node:fs';
import {delimiter, isAbsolute, join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';

/** Programs are never looked up in the caller's PATH. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
export const DEFAULT_RUNTIME = 'runc';

/**
 * The absolute path of an OCI runtime, by name (in the system's directories) or by absolute path.
 *
 * @throws {WinchError} `RUNTIME_NOT_FOUND`
 */
export function findRuntime(runtime: string = DEFAULT_RUNTIME): string {
  const found = candidates(runtime).find(isExecutable);
  if (found !== undefined) return found;
  throw new WinchError('RUNTIME_NOT_FOUND', `the OCI runtime ${runtime} is not installed`, {
    kind: 'runtime',
    hint: `install it (apt-get install ${DEFAULT_RUNTIME}, dnf install ${DEFAULT_RUNTIME}) or choose another`,
    details: {runtime},
  });
}

const candidates = (runtime: string): readonly string[] => {
  if (isAbsolute(runtime)) return [runtime];
  return runtime.includes('/') ? [] : SYSTEM_PATH.split(delimiter).map((directory) => join(directory, runtime));
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) return false;
    throw error;
  }
}
