import {lstat, readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno} from '../../errors.ts';
import {storageError} from '../../host/storage-error.ts';

/** What a cache holds below its root, in directories by algorithm. */
const AREAS = Object.freeze(['blobs', 'layers']);
/** As digests name files. */
const OWN_NAME = /^[0-9a-f]{64,128}(?:\.tar\.zst)?$/;
/** What a killed save was writing. */
const UNFINISHED_NAME = /^(?:[0-9a-f]{64,128}(?:\.tar\.zst)?|[a-z-]+(?:\.json)?)\.[0-9a-f]{12}\.tmp$/;

/**
 * Removes half-written files of a cache, and those that are not wanted.
 *
 * @param wanted Paths below the root, with slashes; null: all that are whole stay.
 * @returns how many were removed
 */
export async function sweepCache(directory: string, wanted: ReadonlySet<string> | null): Promise<number> {
  const found = (await list(directory)).map((name) => ({name, path: name}));
  for (const area of AREAS) {
    for (const algorithm of await list(join(directory, area))) {
      const place = `${area}/${algorithm}`;
      found.push(...(await list(join(directory, place))).map((name) => ({name, path: `${place}/${name}`})));
    }
  }
  const isUnwanted = ({name, path}: {readonly name: string; readonly path: string}) =>
    UNFINISHED_NAME.test(name) || (wanted !== null && OWN_NAME.test(name) && !wanted.has(path));
  const unwanted = found.filter(isUnwanted);
  for (const {path} of unwanted) await rm(join(directory, path), {force: true, recursive: true});
  return unwanted.length;
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
