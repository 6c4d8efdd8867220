import {type BigIntStats, lstatSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {isDigest} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';

/** What lies in the store's directory, in bytes as files have them (`du --apparent-size`), directories included. */
export interface FileSizes {
  /** Everything below the root and the root itself, a file with several names once. */
  readonly totalBytes: number;
  /** Blobs by digest. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Layer files by diff id, each with the directory that it has to itself. */
  readonly layers: ReadonlyMap<string, number>;
  /** Unfinished downloads by the digests of their blobs. */
  readonly partials: ReadonlyMap<string, number>;
  /** What goes by itself: half-written layers of killed processes, what is about to be deleted, the database's log. */
  readonly leftovers: readonly number[];
  /** What each running container has written. */
  readonly containers: readonly number[];
}

const SLASH = Buffer.from('/');
const PARTIAL_BLOB = /^blob-(\w+)-(\w+)$/;

/**
 * Measures what is there, which may be more than the database knows; what vanishes meanwhile counts as gone.
 *
 * @throws {WinchError} `STORE_DENIED` | `STORE_IO`
 */
export function measureFiles(paths: StorePaths): FileSizes {
  const walk: Walk = {counted: new Set(), sizes: new Map()};
  const sizeOf = (path: string) => {
    const bytes = sizeOfTree(Buffer.from(path), walk);
    walk.sizes.set(path, bytes);
    return bytes;
  };
  try {
    const [blobs, layers] = [paths.blobs, paths.layers].map((directory) => measureDigests(directory, sizeOf));
    const [partials = [], halves = []] = [true, false].map((isPartial) =>
      namesIn(paths.ingest).filter((name) => PARTIAL_BLOB.test(name) === isPartial),
    );
    const logs = [`${paths.database}-wal`, `${paths.database}-shm`];
    const leftovers = [...halves.map((name) => join(paths.ingest, name)), paths.trash, ...logs];
    const containers = namesIn(paths.containers).filter((name) => !name.startsWith('.'));
    const measured: Omit<FileSizes, 'totalBytes'> = {
      blobs: blobs ?? new Map(),
      layers: layers ?? new Map(),
      partials: new Map(partials.map((name) => [digestOf(name), sizeOf(join(paths.ingest, name))])),
      leftovers: leftovers.map(sizeOf),
      containers: containers.map((name) => sizeOf(join(paths.containers, name))),
    };
    return {...measured, totalBytes: sizeOfTree(Buffer.from(paths.root), walk)};
  } catch (error) {
    throw storageError(error, paths.root);
  }
}

const digestOf = (partial: string): string => partial.replace(PARTIAL_BLOB, '$1:$2');

interface Walk {
  /** Files with several names that were counted. */
  readonly counted: Set<string>;
  /** By path, what was measured and is not to be walked again. */
  readonly sizes: Map<string, number>;
}

/** The sizes of the entries `<algorithm>/<hex>` of a directory. */
function measureDigests(directory: string, sizeOf: (path: string) => number): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const algorithm of namesIn(directory)) {
    for (const name of namesIn(join(directory, algorithm))) {
      const digest = `${algorithm}:${name}`;
      if (isDigest(digest)) sizes.set(digest, sizeOf(join(directory, algorithm, name)));
    }
  }
  return sizes;
}

/** Names are bytes here: a container may write what is no text. */
function sizeOfTree(path: Buffer, walk: Walk): number {
  const known = walk.sizes.get(path.toString());
  if (known !== undefined) return known;
  const stats = statOrNull(path);
  if (stats === null || !isFirstName(stats, walk.counted)) return 0;
  const below = stats.isDirectory() ? namesBelow(path) : [];
  return below.reduce((sum, name) => sum + sizeOfTree(Buffer.concat([path, SLASH, name]), walk), Number(stats.size));
}

function isFirstName(stats: BigIntStats, counted: Set<string>): boolean {
  if (stats.isDirectory() || stats.nlink === 1n) return true;
  const key = `${stats.dev}:${stats.ino}`;
  if (counted.has(key)) return false;
  counted.add(key);
  return true;
}

const statOrNull = (path: Buffer): BigIntStats | null =>
  unlessGone(() => lstatSync(path, {bigint: true, throwIfNoEntry: true}), null);

const namesBelow = (path: Buffer): readonly Buffer[] => unlessGone(() => readdirSync(path, {encoding: 'buffer'}), []);

const namesIn = (directory: string): readonly string[] => unlessGone(() => readdirSync(directory), []);

function unlessGone<T>(look: () => T, absent: T): T {
  try {
    return look();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return absent;
    throw error;
  }
}
