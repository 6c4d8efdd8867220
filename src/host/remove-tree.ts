import {chmod, readdir, rm} from 'node:fs/promises';
import {hasErrno} from '../errors.ts';

const SLASH = Buffer.from('/');

/** Removes a directory with all that is in it, directories too that their owner may not write; fine when there is none. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, {recursive: true, force: true});
  } catch (error) {
    if (!hasErrno(error, 'EACCES')) throw error;
    await openUp(Buffer.from(path));
    await rm(path, {recursive: true, force: true});
  }
}

async function openUp(directory: Buffer): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, {withFileTypes: true, encoding: 'buffer'})) {
    if (entry.isDirectory()) await openUp(Buffer.concat([directory, SLASH, entry.name]));
  }
}
