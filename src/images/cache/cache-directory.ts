import {readdir, realpath} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../../errors.ts';
import {type Lock, type LockMode, openLockDirectory} from '../../host/locks.ts';
import {storageError} from '../../host/storage-error.ts';
import {type FileSet, openDirectoryFiles, readSmallFile} from '../../media/file-set.ts';
import {makeDirectory, writeSmallFile} from '../../media/layout-files.ts';
import {type Digest, digestAlgorithm, digestHex, digestOf} from '../../oci/digest.ts';
import type {ImageContext} from '../context.ts';

/** Says that a directory is a cache of winch, all of it winch's to write and to remove. */
const MARKER_FILE = 'winch-cache.json';
const MARKER_BYTES = Buffer.from(JSON.stringify({version: 1}));
/** Later versions may say more. */
const MARKER_LIMIT_BYTES = 4096;
const UNFINISHED_MARKER = /^winch-cache\.json\.[0-9a-f]+\.tmp$/;

/** Where the tar of a layer is, packed by zstd. */
export const layerObject = (diffId: Digest): string => `layers/${digestAlgorithm(diffId)}/${digestHex(diffId)}.tar.zst`;

/**
 * Makes a directory a cache, unless it is one.
 *
 * @throws {WinchError} `CACHE_UNUSABLE`: it holds something else | `LAYOUT_UNUSABLE` | `STORE_DENIED` …
 */
export async function makeCache(directory: string): Promise<FileSet> {
  await makeDirectory(directory);
  if (!(await isCache(directory))) {
    const others = (await list(directory)).filter((name) => !UNFINISHED_MARKER.test(name));
    if (others.length > 0) throw unusable(directory);
    await writeSmallFile(join(directory, MARKER_FILE), MARKER_BYTES, {durability: 'fast'});
  }
  return openDirectoryFiles(directory);
}

/**
 * The files of a cache; null: there is none yet.
 *
 * @throws {WinchError} `CACHE_UNUSABLE`: the directory holds something else
 */
export async function openCache(directory: string): Promise<FileSet | null> {
  if (await isCache(directory)) return openDirectoryFiles(directory);
  if ((await list(directory)).length > 0) throw unusable(directory);
  return null;
}

/** Keeps those who write a cache away from one another and from those who read it. */
export async function lockCache(
  {runtimeDirectory}: ImageContext,
  directory: string,
  {mode, signal}: {readonly mode: LockMode; readonly signal?: AbortSignal | undefined},
): Promise<Lock> {
  const path = join(runtimeDirectory, 'locks');
  try {
    const key = digestHex(digestOf(Buffer.from(await realpath(directory))));
    return await openLockDirectory(path).acquire(`cache-${key}`, {mode, signal});
  } catch (error) {
    throw storageError(error, path);
  }
}

async function isCache(directory: string): Promise<boolean> {
  const marker = {path: MARKER_FILE, limitBytes: MARKER_LIMIT_BYTES};
  return (await readSmallFile(openDirectoryFiles(directory), marker))?.equals(MARKER_BYTES) ?? false;
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    if (hasErrno(error, 'ENOTDIR')) throw unusable(directory);
    throw storageError(error, directory);
  }
}

const unusable = (directory: string): WinchError =>
  new WinchError('CACHE_UNUSABLE', `${directory} is no cache of winch`, {
    kind: 'invalid',
    hint: 'name a directory that is new, empty or a cache of this version',
  });
