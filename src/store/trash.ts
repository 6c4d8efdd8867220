import {type Dirent, readdirSync} from 'node:fs';
import {readdir, rmdir, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno, isSystemError} from '../errors.ts';
import {removeAsRoot} from '../host/remove-as-root.ts';
import type {StorePaths} from './paths.ts';

/** Several for each of Node's four threads, which then never wait for this one. */
const AT_ONCE = 16;

/** The names of what is about to be deleted. */
export function listTrash({trash}: StorePaths): readonly string[] {
  try {
    return readdirSync(trash);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Others may be at it too, or be putting more there. */
export async function emptyTrash({trash}: StorePaths, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await removeThings(join(trash, name));
    await removeAsRoot(join(trash, name));
  }
  try {
    await rmdir(trash);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Blobs and layers, of which there may be thousands: a third of the calls that a removal of any tree needs. */
async function removeThings(directory: string): Promise<void> {
  const things = (await entriesOf(directory)).values();
  const removeNext = async () => {
    for (const thing of things) await tryRemove(join(directory, thing.name), thing.isDirectory());
  };
  await Promise.all(Array.from({length: AT_ONCE}, removeNext));
}

/** What is neither a file nor a directory of one layer file is left. */
async function tryRemove(path: string, isDirectory: boolean): Promise<void> {
  await attempt(() => unlink(isDirectory ? join(path, 'layer.erofs') : path));
  if (isDirectory) await attempt(() => rmdir(path));
}

async function attempt(remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, {withFileTypes: true});
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
