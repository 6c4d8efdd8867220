import {lstat, readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {storageError} from '../../host/storage-error.ts';

/** What a cache holds below its root, in directories by algorithm. */
const AREAS = Object.freeze(['blobs', 'layers']);
/** As digests and those who write them name files; unfinished ones have a longer end. */
const OWN_NAME = /^[0-9a-f]{64,128}(?:\.tar\.zst)?(?:\.[0-9a-f]+\.tmp)?$/;

/**
 * Removes the files of a cache that are not wanted, half-written ones among them.
 *
 * @param wanted Paths below the root, with slashes.
 * @returns how many were removed
 */
export async function sweepCache(directory: string, wanted: ReadonlySet<string>): Promise<number> {
  let removed = 0;
  for (const area of AREAS) {
    for (const algorithm of await list(join(directory, area))) {
      for (const name of await list(join(directory, area, algorithm))) {
        if (wanted.has(`${area}/${algorithm}/${name}`) || !OWN_NAME.test(name)) continue;
        await rm(join(directory, area, algorithm, name), {force: true});
        removed += 1;
      }
    }
  }
  return removed;
}

async function list(path: string): Promise<readonly string[]> {
  try {
    // Nothing is removed through a link.
    return (await lstat(path)).isDirectory() ? await readdir(path) : [];
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw storageError(error, path);
  }
}
