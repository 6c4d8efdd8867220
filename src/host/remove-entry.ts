import {closeSync, constants, openSync, readdirSync, rmdirSync, unlinkSync} from 'node:fs';
import {hasErrno} from '../errors.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Removes what has a name in an open directory, with all below it; fine when there is none.
 *
 * Every step names one component below an open directory and follows no link: whoever changes the tree meanwhile leads
 * it nowhere else.
 */
export function removeEntry(directoryFd: number, name: Buffer): void {
  const path = Buffer.concat([Buffer.from(`/proc/self/fd/${directoryFd}/`), name]);
  try {
    unlinkSync(path);
    return;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    if (!hasErrno(error, 'EISDIR', 'EPERM')) throw error;
  }
  const fd = openSync(path, DIRECTORY);
  try {
    for (const child of readdirSync(`/proc/self/fd/${fd}/.`, {encoding: 'buffer'})) removeEntry(fd, child);
  } finally {
    closeSync(fd);
  }
  rmdirSync(path);
}
