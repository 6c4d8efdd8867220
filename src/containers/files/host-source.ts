import {closeSync, constants, lstatSync, openSync, realpathSync} from 'node:fs';
import {basename, dirname} from 'node:path';
import {hasErrno, WinchError} from '../../errors.ts';
import type {TreePlace} from '../../layers/tree-tar.ts';
import {excerpt} from '../../oci/excerpt.ts';

/**
 * A file of this machine by the open directory that it is in. Symlinks on the way are followed, as the caller's own, and
 * one at the end only when that is asked for or there is a slash behind it.
 *
 * @param source An absolute path.
 * @throws {WinchError} `SOURCE_MISSING` | `SOURCE_DENIED`
 */
export function openSourceOfHost(
  source: string,
  {followsLink = false}: {readonly followsLink?: boolean | undefined},
): TreePlace & Disposable {
  try {
    const path = followsLink || /\/\.?$/.test(source) ? realpathSync(source) : source;
    lstatSync(path);
    const directoryFd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    const name = path === '/' ? null : Buffer.from(basename(path));
    return {directoryFd, name, [Symbol.dispose]: () => closeSync(directoryFd)};
  } catch (error) {
    if (hasErrno(error, 'EACCES', 'EPERM')) {
      const message = `${excerpt(source)} may not be read`;
      throw new WinchError('SOURCE_DENIED', message, {kind: 'denied', cause: error});
    }
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
    throw new WinchError('SOURCE_MISSING', `there is no ${excerpt(source)}`, {
      kind: 'not-found',
      hint: 'check how its path is written',
      cause: error,
    });
  }
}
