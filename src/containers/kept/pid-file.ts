import {writeFileSync} from 'node:fs';
import {isSystemError, WinchError} from '../../errors.ts';

/**
 * Tells the first process of a container that is about to start to whoever wanted to know it.
 *
 * @throws {WinchError} `PIDFILE_FAILED`
 */
export function writePidFile(path: string, pid: number): void {
  try {
    writeFileSync(path, `${pid}\n`, {mode: 0o644});
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new WinchError('PIDFILE_FAILED', `${path} cannot be written (${error.code})`, {
      kind: 'storage',
      hint: 'the container does not start without it',
      cause: error,
    });
  }
}
