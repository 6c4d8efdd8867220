import {isAbsolute} from 'node:path';
import {WinchError} from '../errors.ts';
import {findSystemProgram, isProgram} from '../host/system-programs.ts';

export {SYSTEM_PATH} from '../host/system-programs.ts';

export const DEFAULT_RUNTIME = 'runc';

/**
 * The absolute path of an OCI runtime, by name (in the system's directories) or by absolute path.
 *
 * @throws {WinchError} `RUNTIME_NOT_FOUND`
 */
export function findRuntime(runtime: string = DEFAULT_RUNTIME): string {
  const found = isAbsolute(runtime) ? ownPath(runtime) : findByName(runtime);
  if (found !== null) return found;
  throw new WinchError('RUNTIME_NOT_FOUND', `the OCI runtime ${runtime} is not installed`, {
    kind: 'runtime',
    hint: `install it (apt-get install ${DEFAULT_RUNTIME}, dnf install ${DEFAULT_RUNTIME}) or choose another`,
    details: {runtime},
  });
}

const ownPath = (path: string): string | null => (isProgram(path) ? path : null);

const findByName = (name: string): string | null => (name.includes('/') ? null : findSystemProgram(name));
