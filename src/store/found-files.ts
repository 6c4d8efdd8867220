import {type Dirent, lstatSync, readdirSync, type Stats} from 'node:fs';
import {basename, join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';

/** What lies in the places of blobs and layers, and beside them. */
export interface FoundFiles {
  readonly blobs: readonly Digest[];
  /** By diff id. */
  readonly layers: readonly Digest[];
  /** Paths of what has no digest for its name. */
  readonly unnamed: readonly string[];
  /** Paths of unfinished downloads, half-written layers and what is about to be deleted. */
  readonly leftovers: readonly string[];
  /** Damaged databases that a repair has replaced. */
  readonly databases: readonly string[];
  /** The store's own directories, without those of containers. */
  readonly directories: readonly string[];
}

/** @throws {WinchError} `STORE_DENIED` | `STORE_IO` */
export function findFiles(paths: StorePaths): FoundFiles {
  const [blobs, layers] = [listDigests(paths.blobs), listDigests(paths.layers)];
  const passing = [paths.ingest, paths.trash].flatMap((directory) =>
    entriesOf(directory).map(({name}) => join(directory, name)),
  );
  return {
    blobs: blobs.digests,
    layers: layers.digests,
    unnamed: [...blobs.unnamed, ...layers.unnamed],
    leftovers: [...passing, ...blobs.staged, ...layers.staged],
    databases: listKeptDatabases(paths),
    directories: [paths.blobs, paths.layers, ...blobs.directories, ...layers.directories],
  };
}

/** Null: it is not there. @throws {WinchError} `STORE_DENIED` | `STORE_IO` */
export function statFile(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw storageError(error, path);
  }
}

function listKeptDatabases({root, database}: StorePaths): readonly string[] {
  const beginning = `${basename(database)}.damaged-`;
  const names = entriesOf(root).map(({name}) => name);
  return names.filter((name) => name.startsWith(beginning) && !name.endsWith('-wal')).map((name) => join(root, name));
}

function listDigests(parent: string) {
  const algorithms = entriesOf(parent).filter((entry) => entry.isDirectory());
  const entries = algorithms.flatMap(({name}) =>
    entriesOf(join(parent, name)).map((entry) => ({
      digest: `${name}:${entry.name}`,
      path: join(parent, name, entry.name),
    })),
  );
  return {
    digests: entries.flatMap(({digest}) => (isDigest(digest) ? [digest] : [])),
    staged: entries.filter(({digest}) => isStaged(digest)).map(({path}) => path),
    unnamed: entries.filter(({digest}) => !isDigest(digest) && !isStaged(digest)).map(({path}) => path),
    directories: algorithms.map(({name}) => join(parent, name)),
  };
}

/** What is on its way to a name has more after it. */
const isStaged = (digest: string): boolean => digest.includes('.') && isDigest(digest.slice(0, digest.indexOf('.')));

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, {withFileTypes: true});
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw storageError(error, directory);
  }
}
