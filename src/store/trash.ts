import {readdirSync} from 'node:fs';
import {readdir, rm, rmdir, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {StorePaths} from './paths.ts';

/** Node has four threads for this. */
const AT_ONCE = 4;

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
    await rm(join(trash, name), {recursive: true, force: true, maxRetries: 3});
  }
  try {
    await rmdir(trash);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Blobs and layers, of which there may be thousands: a third of the calls that a removal of any tree needs. */
async function removeThings(directory: string): Promise<void> {
  const things = (await namesIn(directory)).values();
  const removeNext = async () => {
    for (const name of things) await tryRemove(join(directory, name));
  };
  await Promise.all(Array.from({length: AT_ONCE}, removeNext));
}

/** What is neither a file nor a directory of one layer file is left. */
async function tryRemove(path: string): Promise<void> {
  const file = await attempt(() => unlink(path));
  if (file !== 'failed') return;
  await attempt(() => unlink(join(path, 'layer.erofs')));
  await attempt(() => rmdir(path));
}

async function attempt(remove: () => Promise<void>): Promise<'done' | 'failed'> {
  try {
    await remove();
    return 'done';
  } catch {
    return 'failed';
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
