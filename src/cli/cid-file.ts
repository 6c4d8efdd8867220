import {closeSync, openSync, rmSync, writeSync} from 'node:fs';
import {isAbsolute, resolve} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import type {Environment} from './environment.ts';

/** The file of `--cidfile`. */
export interface CidFile extends Disposable {
  write(id: string): void;
}

/**
 * Takes the file before anything is done, so that two commands cannot share one; it is removed again when no id was
 * written.
 *
 * @throws {WinchError} `CIDFILE_EXISTS` | of a directory that cannot be written
 */
export function openCidFile(file: string | undefined, {workingDirectory}: Environment): CidFile {
  if (file === undefined) return {write: () => {}, [Symbol.dispose]: () => {}};
  const path = isAbsolute(file) ? file : resolve(workingDirectory(), file);
  const fd = create(path);
  let isWritten = false;
  return {
    write: (id) => {
      writeSync(fd, id);
      isWritten = true;
    },
    [Symbol.dispose]: () => {
      closeSync(fd);
      if (!isWritten) rmSync(path, {force: true});
    },
  };
}

function create(path: string): number {
  try {
    return openSync(path, 'wx', 0o644);
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw storageError(error, path);
    throw new WinchError('CIDFILE_EXISTS', `${path} exists`, {
      kind: 'invalid',
      hint: 'remove it once the container that it names is gone',
    });
  }
}
