import {type FileHandle, link, mkdir, open, rename, rm, stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {type Durability, syncDirectory} from '../host/atomic-write.ts';
import {readRegion} from '../host/file-regions.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import type {Descriptor} from '../oci/descriptor.ts';
import {createDigester, digestAlgorithm} from '../oci/digest.ts';

export interface WriteOptions {
  readonly durability: Durability;
  readonly signal?: AbortSignal | undefined;
}

/** Others may read what is written for them; the umask has the last word. */
export const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o777;

/** Makes a directory and those above it, as the umask has it. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, {recursive: true, mode: DIRECTORY_MODE});
  } catch (error) {
    if (hasErrno(error, 'EEXIST', 'ENOTDIR')) throw occupied(path);
    throw storageError(error, path);
  }
}

/** Whether a whole blob is there, and not what some tool left of it. */
export async function hasBlobFile(path: string, {digest, size}: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean> {
  if (!(await hasFile(path, size))) return false;
  const digester = createDigester(digestAlgorithm(digest));
  for await (const chunk of readRegion({path, offset: 0, size})) digester.update(chunk);
  return digester.digest() === digest;
}

/** Whether a file of this size is there. */
export async function hasFile(path: string, bytes: number): Promise<boolean> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size === bytes;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw storageError(error, path);
  }
}

/** Writes a whole file, which others see whole or not at all. */
export async function writeSmallFile(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  const {durability} = options;
  const staging = `${path}.${randomHex(6)}.tmp`;
  try {
    {
      await using file = await open(staging, 'wx', FILE_MODE);
      await writeFully(file, bytes);
      if (durability === 'full') await file.datasync();
    }
    await rename(staging, path);
    if (durability === 'full') await syncDirectory(dirname(path));
  } catch (error) {
    await rm(staging, {force: true}).catch(() => {});
    throw storageError(error, path);
  }
}

/** Gives a file a second name; false where that cannot be. */
export async function linkFile(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOENT', 'EACCES', 'EEXIST', 'ENOSYS')) return false;
    throw storageError(error, path);
  }
}

/** A write may take less than it is given, on a disk that gets full above all. */
export async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

/** `join` for paths that a layout names with slashes. */
export const below = (directory: string, path: string): string => join(directory, ...path.split('/'));

const occupied = (path: string): WinchError =>
  new WinchError('LAYOUT_UNUSABLE', `${path} is no directory`, {
    kind: 'invalid',
    hint: 'name a directory, or a new one',
  });
