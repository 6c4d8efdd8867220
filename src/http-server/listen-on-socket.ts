import {chmodSync, chownSync, lstatSync, mkdirSync, rmSync, statSync} from 'node:fs';
import {connect, type Server} from 'node:net';
import {dirname} from 'node:path';
import {hasErrno, isSystemError, WinchError} from '../errors.ts';
import type {SocketPlace} from './listen-place.ts';

const OWNER_ALONE = 0o600;
const OWNER_AND_GROUP = 0o660;

/**
 * Has a server listen on a unix socket, in the place of one that a dead server left. At no moment can anybody connect who
 * is not meant to.
 *
 * @returns what removes the socket, unless another server has put its own there.
 * @throws {WinchError} `SOCKET_IN_USE` | `SOCKET_UNUSABLE`
 */
export async function listenOnSocket(server: Server, {path, groupId}: SocketPlace): Promise<() => void> {
  await clearPlace(path);
  // The kernel gives a new socket the mode that is left by the mask, so there is no moment with another one.
  const mask = process.umask(0o777 & ~OWNER_ALONE);
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unusable(path, error)));
    server.listen(path, resolve);
  });
  process.umask(mask);
  await listening;
  if (groupId !== null) openToGroup(path, groupId);
  const {ino} = statSync(path);
  return () => {
    if (lstatSync(path, {throwIfNoEntry: false})?.ino === ino) rmSync(path, {force: true});
  };
}

/** The group first: until then it is another one that the mode would let in. */
function openToGroup(path: string, groupId: number): void {
  try {
    chownSync(path, -1, groupId);
    chmodSync(path, OWNER_AND_GROUP);
  } catch (error) {
    rmSync(path, {force: true});
    throw isSystemError(error) ? unusable(path, error) : error;
  }
}

async function clearPlace(path: string): Promise<void> {
  try {
    mkdirSync(dirname(path), {recursive: true});
  } catch (error) {
    throw isSystemError(error) ? unusable(path, error) : error;
  }
  const status = lstatSync(path, {throwIfNoEntry: false});
  if (!status) return;
  if (!status.isSocket()) throw unusable(path, new Error('there is a file that is no socket'));
  if (await isAnswered(path)) {
    throw new WinchError('SOCKET_IN_USE', `another server listens on ${path}`, {
      kind: 'storage',
      hint: 'use it, end it, or listen elsewhere',
    });
  }
  rmSync(path, {force: true});
}

const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error) => {
      if (hasErrno(error, 'ECONNREFUSED', 'ENOENT')) resolve(false);
      else reject(unusable(path, error));
    });
  });

const unusable = (path: string, cause: Error): WinchError =>
  new WinchError('SOCKET_UNUSABLE', `winch cannot listen on ${path}: ${cause.message}`, {
    kind: 'storage',
    hint: 'listen on a path of at most 107 bytes that this user may write to, for a group that this user is in',
    cause,
  });
