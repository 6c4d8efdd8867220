import {accessSync, chmodSync, constants, readdirSync, realpathSync, statSync} from 'node:fs';
import {basename} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {type Durability, ensureDirectory} from '../host/atomic-write.ts';
import {storageError} from '../host/storage-error.ts';
import type {StorePaths} from './paths.ts';

/** SQLite takes 512 bytes; below the root there are up to 154: `locks/layer-<sha512>.lock-journal`. */
const LONGEST_ROOT_BYTES = 350;
const OTHERS_WRITE = 0o022;
/** What a directory may hold before it becomes a store: what the file system and readers of an empty store make. */
const BESIDE_A_STORE: ReadonlySet<string> = new Set([
  ...['lost+found', 'locks', 'containers', 'events', 'run', 'trash', 'unsynced'],
]);

/**
 * Makes the store's directory, or says why a store cannot be changed before any work is done for it.
 *
 * What is in a directory of somebody else would be taken for garbage, so a store begins in an empty one. Others who may
 * write to the directory (`chmod 1777`, volumes of Kubernetes) could exchange what is mounted: they no longer may.
 *
 * @throws {WinchError} `STORE_FOREIGN` | `STORE_PATH` | `STORE_READ_ONLY` | `STORE_DENIED` …
 */
export async function ensureWritable(paths: StorePaths, durability: Durability): Promise<void> {
  const {root} = paths;
  try {
    await ensureDirectory(root, durability);
    for (const directory of [root, paths.locks, paths.ingest, paths.blobs, paths.layers]) requireAccess(directory);
    requireShortPath(realpathSync(root));
    requireStore(paths);
    keepOthersOut(root);
  } catch (error) {
    throw storageError(error, root);
  }
}

/** What is not there yet is made later. */
function requireAccess(directory: string): void {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw storageError(error, directory);
  }
}

function requireShortPath(root: string): void {
  if (Buffer.byteLength(root) <= LONGEST_ROOT_BYTES) return;
  throw new WinchError('STORE_PATH', `the store's path is longer than ${LONGEST_ROOT_BYTES} bytes: ${root}`, {
    kind: 'invalid',
    hint: 'choose another place',
  });
}

/** One look at the directory: another process may be beginning the same store, which it does with one of the signs. */
function requireStore({root, database, ingest, layers}: StorePaths): void {
  const names = readdirSync(root);
  if ([database, ingest, layers].some((sign) => names.includes(basename(sign)))) return;
  const foreign = names.find((name) => !BESIDE_A_STORE.has(name));
  if (foreign === undefined) return;
  throw new WinchError('STORE_FOREIGN', `${root} is no store, and not empty: there is ${foreign}`, {
    kind: 'invalid',
    hint: 'a store begins in a directory that is new or empty',
  });
}

function keepOthersOut(root: string): void {
  const {uid, mode} = statSync(root);
  if ((mode & OTHERS_WRITE) !== 0 && uid === process.geteuid?.()) chmodSync(root, mode & 0o7777 & ~OTHERS_WRITE);
}
