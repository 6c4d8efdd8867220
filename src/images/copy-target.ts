import {lstat, realpath, stat} from 'node:fs/promises';
import {basename, dirname} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import type {ByteString} from '../layers/byte-string.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {CopySource} from './copy-source.ts';

/** Where a copy goes. */
export interface CopyTarget {
  /** A directory that exists, without symlinks. */
  readonly directory: string;
  /** What the copy is called there; null: what is in the source goes there. */
  readonly name: ByteString | null;
}

/**
 * Where `docker cp` would put a copy: into a directory that exists under the source's own name, else under the name
 * given. No directory above it is made.
 *
 * @param destination An absolute path; its symlinks are followed, as the caller's own.
 * @throws {WinchError} `DESTINATION_INVALID`
 */
export async function findTarget(destination: string, {node, name}: CopySource): Promise<CopyTarget> {
  const isDirectory = node.kind === 'directory';
  const existing = await kindOf(destination);
  if (existing === 'directory') return {directory: await realpath(destination), name};
  const endsInSlash = /\/\.?$/.test(destination);
  if (existing === 'missing' && endsInSlash && !isDirectory) throw invalid(destination, 'is no directory');
  if (existing === 'missing') return findNewTarget(destination);
  if (isDirectory) throw invalid(destination, 'exists and is no directory, and a directory cannot replace it');
  if (existing !== 'file') throw invalid(destination, 'exists and is no regular file');
  const path = await realpath(destination);
  return {directory: dirname(path), name: bytesOf(basename(path))};
}

async function findNewTarget(destination: string): Promise<CopyTarget> {
  const path = destination.replace(/(\/\.?)+$/, '');
  const parent = dirname(path);
  if ((await kindOf(parent)) !== 'directory') throw invalid(parent, 'is no directory');
  return {directory: await realpath(parent), name: bytesOf(basename(path))};
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'missing' | 'other'> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    // A link that leads nowhere is there.
    if (hasErrno(error, 'ENOENT')) return (await isLink(path)) ? 'other' : 'missing';
    if (hasErrno(error, 'ENOTDIR')) return 'other';
    throw storageError(error, path);
  }
}

const isLink = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );

const bytesOf = (name: string): ByteString => Buffer.from(name).toString('latin1');

const invalid = (path: string, problem: string): WinchError =>
  new WinchError('DESTINATION_INVALID', `${excerpt(path)} ${problem}`, {
    kind: 'invalid',
    hint: 'name a directory that exists, or a new name in one',
  });
