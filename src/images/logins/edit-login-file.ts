import {chown, lstat, realpath, stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {hasErrno, isWinchError, WinchError} from '../../errors.ts';
import {ensureDirectory, writeFileAtomic} from '../../host/atomic-write.ts';
import {openLockDirectory} from '../../host/locks.ts';
import {type LoginDocument, parseLoginDocument} from '../../registry/login-document.ts';
import {readLoginFile} from './read-login-file.ts';

const LOCK_TIMEOUT_MS = 30_000;
const EMPTY = Buffer.from('{}');

/**
 * Changes a login file in one step: readers see the old or the new bytes, other winches wait for their turn, and every
 * member that the edit leaves alone stays. Where the file is a symbolic link, what it points to is replaced.
 *
 * The file has mode 0600 and its owner afterwards; directories are made with 0700. `edit` returning null writes nothing.
 *
 * @throws {WinchError} `CREDENTIALS_INVALID`: what is there is no login file. `LOGIN_UNWRITABLE`, `LOCK_TIMEOUT`
 */
export async function editLoginFile(
  path: string,
  edit: (document: LoginDocument) => Uint8Array | null,
  {signal}: {readonly signal?: AbortSignal | undefined} = {},
): Promise<void> {
  try {
    await ensureDirectory(dirname(path), 'fast');
    const target = await followLinks(path);
    const locks = openLockDirectory(dirname(target));
    using _lock = await locks.acquire(`.${basename(target)}.winch`, {
      mode: 'exclusive',
      signal,
      timeoutMs: LOCK_TIMEOUT_MS,
    });
    const bytes = edit(parseLoginDocument((await readLoginFile(target, signal)) ?? EMPTY, path));
    if (bytes !== null) await replace(target, bytes);
  } catch (error) {
    throw unwritable(error, path);
  }
}

/** The document of a login file; an absent one is empty. */
export const readLoginDocument = async (path: string, signal?: AbortSignal): Promise<LoginDocument> =>
  parseLoginDocument((await readLoginFile(path, signal)) ?? EMPTY, path);

async function followLinks(path: string): Promise<string> {
  const directory = await realpath(dirname(path));
  try {
    return await realpath(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    const plain = join(directory, basename(path));
    // Another process may have made the file meanwhile.
    if (await isLink(plain)) throw failure(path, 'is a symbolic link to what does not exist', error);
    return plain;
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Root that changes another user's file leaves it to that user. */
async function replace(target: string, bytes: Uint8Array): Promise<void> {
  const before = await stat(target).catch(() => null);
  await writeFileAtomic(target, bytes, {durability: 'full', mode: 0o600});
  const after = await stat(target);
  if (before && (before.uid !== after.uid || before.gid !== after.gid)) {
    await chown(target, before.uid, before.gid);
  }
}

function unwritable(error: unknown, path: string): unknown {
  if (isWinchError(error)) {
    return error.code.startsWith('STORE_') ? failure(path, 'cannot be written', error.cause ?? error) : error;
  }
  const isExpected = hasErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST', 'ELOOP');
  return isExpected ? failure(path, `cannot be written (${error.code})`, error) : error;
}

function failure(path: string, fault: string, cause: unknown): WinchError {
  return new WinchError('LOGIN_UNWRITABLE', `the login file ${path} ${fault}`, {
    kind: 'storage',
    hint: 'check the path and who may write there; no login was changed',
    cause,
  });
}
