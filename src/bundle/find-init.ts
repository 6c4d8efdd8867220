import {accessSync, constants} from 'node:fs';
import {resolve} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';

// Static inits of distributions: docker-init, tini and podman's catatonit.
const KNOWN_INITS = [
  '/usr/libexec/docker/docker-init',
  '/usr/bin/docker-init',
  '/usr/bin/tini-static',
  '/usr/libexec/podman/catatonit',
  '/usr/bin/catatonit',
  '/usr/local/bin/tini-static',
] as const;

/**
 * The init on this machine that a container runs its command under.
 *
 * @param given Path of the one that is wanted; absent: the first that is installed.
 *
 * @throws {WinchError} `INIT_NOT_FOUND`
 */
export function findInit(given?: string, known: readonly string[] = KNOWN_INITS): string {
  const found = (given === undefined ? known : [resolve(given)]).find(isExecutable);
  if (found !== undefined) return found;
  throw new WinchError('INIT_NOT_FOUND', given === undefined ? 'no init is installed' : `${given} is no executable`, {
    kind: 'unsupported',
    hint: 'install one (apt-get install tini or catatonit) or name a static one',
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
}
