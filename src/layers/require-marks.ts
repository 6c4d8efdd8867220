import {closeSync, constants, openSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {loadTreeCalls, type TreeCalls} from '../host/tree-calls.ts';
import {FileType} from './erofs-format.ts';

/** What overlayfs looks for instead of the trusted attribute where it is mounted in a user namespace (`userxattr`). */
export const OPAQUE_FOR_USERS = 'user.overlay.opaque';
/** In vain: not allowed here, not kept by this file system, or (ENOENT) taken by an overlay for a whiteout of its own. */
const REFUSALS = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOENT'] as const;
const TRIAL = '.whiteout';

/**
 * An opaque directory without its mark would show what it has to hide.
 *
 * @param directory Nobody else can enter it.
 * @throws {WinchError} `EXTRACT_UNSUPPORTED`
 */
export const requireMarks = (directory: string): void =>
  tryBelow(directory, (calls, fd) =>
    calls.setAttribute(fd, Buffer.from('.'), {name: Buffer.from(OPAQUE_FOR_USERS), value: Buffer.from('n')}),
  );

/**
 * A whiteout that is missing would show what it has to hide.
 *
 * @param directory Nobody else can enter it.
 * @throws {WinchError} `EXTRACT_UNSUPPORTED`
 */
export function requireWhiteouts(directory: string): void {
  tryBelow(directory, (calls, fd) => calls.makeNode(fd, Buffer.from(TRIAL), FileType.character, 0));
  rmSync(join(directory, TRIAL));
}

function tryBelow(directory: string, trial: (calls: TreeCalls, fd: number) => void): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    trial(loadTreeCalls(), fd);
  } catch (error) {
    if (hasErrno(error, ...REFUSALS)) throw cannotExtract(directory);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** An error for a place where not all files of a layer can be as in the image. */
export const cannotExtract = (directory: string): WinchError =>
  new WinchError('EXTRACT_UNSUPPORTED', `files of a layer cannot be as in the image below ${directory}`, {
    kind: 'unsupported',
    hint: 'owners, devices and trusted attributes need root, and a file system that keeps them',
  });
