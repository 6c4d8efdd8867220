import {lstatSync, rmdirSync, rmSync} from 'node:fs';
import {chmod, readdir, rm} from 'node:fs/promises';
import {hasErrno} from '../errors.ts';

const SLASH = Buffer.from('/');
/** Others make no entries there, they only take theirs away. */
const MOST_ATTEMPTS = 1000;

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

/**
 * Removes a file or a directory with all that is in it, also while somebody else is removing some of that: Node's own
 * function then stops in the middle and says nothing (26.10). Fine when there is none.
 */
export function removeTreeSync(path: string): void {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    rmSync(path, {recursive: true, force: true});
    if (lstatSync(path, {throwIfNoEntry: false}) === undefined) return;
  }
  // Says what is in the way.
  rmdirSync(path);
}

async function openUp(directory: Buffer): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, {withFileTypes: true, encoding: 'buffer'})) {
    if (entry.isDirectory()) await openUp(Buffer.concat([directory, SLASH, entry.name]));
  }
}
