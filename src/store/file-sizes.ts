import {lstatSync, readdirSync, type Stats} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {storageError} from '../host/storage-error.ts';
import {isDigest} from '../oci/digest.ts';
import type {StorePaths} from './paths.ts';
import {isStagedTree} from './staged-tree.ts';
import {namesIn, unlessGone} from './unless-gone.ts';

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
  /** Each volume, by name. */
  readonly volumes: ReadonlyMap<string, number>;
}

/** A name is bytes where a container wrote what is no text. */
type Path = string | Buffer;

const SLASH = Buffer.from('/');
const NO_TEXT = '\uFFFD';
const PARTIAL_BLOB = /^blob-(\w+)-(\w+)$/;

/**
 * Measures what is there, which may be more than the database knows; what vanishes meanwhile counts as gone.
 *
 * @throws {WinchError} `STORE_DENIED` | `STORE_IO`
 */
export function measureFiles(paths: StorePaths): FileSizes {
  const walk: Walk = {counted: new Set(), sizes: new Map()};
  const sizeOf = (path: string) => {
    const bytes = sizeOfTree(path, walk);
    walk.sizes.set(path, bytes);
    return bytes;
  };
  try {
    const [blobs, layers] = [paths.blobs, paths.layers].map((directory) => measureDigests(directory, walk));
    const [partials = [], halves = []] = [true, false].map((isPartial) =>
      namesIn(paths.ingest).filter((name) => PARTIAL_BLOB.test(name) === isPartial),
    );
    const logs = [`${paths.database}-wal`, `${paths.database}-shm`];
    const leftovers = [...halves.map((name) => join(paths.ingest, name)), ...listTrees(paths), paths.trash, ...logs];
    const containers = [paths.containers, paths.kept].flatMap((parent) =>
      namesIn(parent).flatMap((name) => (name.startsWith('.') ? [] : [join(parent, name)])),
    );
    const volumes = namesIn(paths.volumes).filter((name) => !name.startsWith('.'));
    const measured: Omit<FileSizes, 'totalBytes'> = {
      blobs: blobs ?? new Map(),
      layers: layers ?? new Map(),
      partials: new Map(partials.map((name) => [digestOf(name), sizeOf(join(paths.ingest, name))])),
      leftovers: leftovers.map(sizeOf),
      containers: containers.map(sizeOf),
      volumes: new Map(volumes.map((name) => [name, sizeOf(join(paths.volumes, name))])),
    };
    return {...measured, totalBytes: sizeOfTree(paths.root, walk)};
  } catch (error) {
    throw storageError(error, paths.root);
  }
}

/**
 * The bytes of a directory and all that is in it, a file with several names once, and without what is in directories that
 * this user may not read.
 */
export const measureTree = (path: string): number =>
  sizeOfTree(path, {counted: new Set(), sizes: new Map(), skipsDenied: true});

const digestOf = (partial: string): string => partial.replace(PARTIAL_BLOB, '$1:$2');

/** Layers that are being extracted, or were until somebody was killed. */
const listTrees = ({layers}: StorePaths): readonly string[] =>
  namesIn(layers).flatMap((algorithm) => {
    const place = `${layers}/${algorithm}`;
    return namesIn(place).flatMap((name) => (isStagedTree(name) ? [`${place}/${name}`] : []));
  });

interface Walk {
  /** Files with several names that were counted. */
  readonly counted: Set<string>;
  /** By path, what was measured and is not to be walked again. */
  readonly sizes: Map<string, number>;
  readonly skipsDenied?: boolean;
}

/** The sizes of the entries `<algorithm>/<hex>` of a directory. */
function measureDigests(directory: string, walk: Walk): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const algorithm of namesIn(directory)) {
    const place = `${directory}/${algorithm}`;
    const stats = statOrNull(place);
    let sum = stats?.size ?? 0;
    for (const name of namesIn(place)) {
      const [digest, bytes] = [`${algorithm}:${name}`, sizeOfTree(`${place}/${name}`, walk)];
      if (isStagedTree(name)) walk.sizes.set(`${place}/${name}`, bytes);
      if (isDigest(digest)) sizes.set(digest, bytes);
      if (stats?.isDirectory()) sum += bytes;
    }
    walk.sizes.set(place, sum);
  }
  return sizes;
}

function sizeOfTree(path: Path, walk: Walk): number {
  const known = typeof path === 'string' ? walk.sizes.get(path) : undefined;
  if (known !== undefined) return known;
  const stats = statOrNull(path);
  if (stats === null) return 0;
  if (!stats.isDirectory()) return stats.nlink === 1 || isFirstName(path, walk.counted) ? stats.size : 0;
  return namesBelow(path, walk).reduce((sum, name) => sum + sizeOfTree(below(path, name), walk), stats.size);
}

const below = (directory: Path, name: Path): Path =>
  typeof directory === 'string' && typeof name === 'string'
    ? `${directory}/${name}`
    : Buffer.concat([Buffer.from(directory), SLASH, Buffer.from(name)]);

/** A number of a file may be larger than a number of JavaScript. */
function isFirstName(path: Path, counted: Set<string>): boolean {
  const stats = unlessGone(() => lstatSync(path, {bigint: true}), null);
  if (stats === null) return false;
  const key = `${stats.dev}:${stats.ino}`;
  if (counted.has(key)) return false;
  counted.add(key);
  return true;
}

const statOrNull = (path: Path): Stats | null =>
  unlessGone(() => lstatSync(path, {throwIfNoEntry: false}) ?? null, null);

function namesBelow(path: Path, {skipsDenied = false}: Walk): readonly Path[] {
  try {
    return unlessGone(() => {
      const names = readdirSync(path);
      return names.some((name) => name.includes(NO_TEXT)) ? readdirSync(path, {encoding: 'buffer'}) : names;
    }, []);
  } catch (error) {
    if (skipsDenied && hasErrno(error, 'EACCES')) return [];
    throw error;
  }
}
