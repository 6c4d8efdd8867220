import {mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {basename, dirname, join, relative} from 'node:path';
import type {DiskOperation} from './disk-log.ts';

/** What of a disk a power cut leaves: all that was done, or only what was synced. */
export interface Cut {
  /** Files without synced content keep their names, if those are there, and are empty. */
  readonly content: 'all' | 'synced';
  readonly names: 'all' | 'synced';
  /** Content and names of the database's files, which a disk may take earlier or later than the rest. */
  readonly database: 'all' | 'synced';
}

/** Every way in which the disk may have taken data, names and the database in another order than they were given. */
export const CUTS: readonly Cut[] = [
  {content: 'all', names: 'all', database: 'all'},
  {content: 'synced', names: 'all', database: 'all'},
  {content: 'synced', names: 'all', database: 'synced'},
  {content: 'synced', names: 'synced', database: 'all'},
  {content: 'synced', names: 'synced', database: 'synced'},
];

/** A disk that promises no more than POSIX does: content is there after fsync, a name after fsync of its directory. */
export interface DiskModel {
  apply(operation: DiskOperation): void;
  /** What is left, by path below the root; null: a directory. */
  cut(cut: Cut): ReadonlyMap<string, Buffer | null>;
}

interface File {
  readonly kind: 'file';
  bytes: Buffer;
  synced: Buffer;
}

interface Directory {
  readonly kind: 'directory';
  readonly entries: Map<string, Entry>;
  synced: ReadonlyMap<string, Entry>;
}

type Entry = File | Directory;

const DATABASE = /^winch\.db/;
/** The kernel makes it anew from the log. */
const SHARED_MEMORY = /-shm$/;

/** Begins with what lies at `root` now, all of which counts as synced. */
export function openDiskModel(root: string): DiskModel {
  const top = readDirectory(root);
  const begun = new Map<number, () => void>();
  const find = (path: string): Entry | undefined => {
    const names = relative(root, path).split('/').filter(Boolean);
    return names.reduce<Entry | undefined>(
      (entry, name) => (entry?.kind === 'directory' ? entry.entries.get(name) : undefined),
      top,
    );
  };
  const parent = (path: string): Map<string, Entry> => {
    const directory = find(dirname(path));
    if (directory?.kind !== 'directory') throw new Error(`no directory for ${path}`);
    return directory.entries;
  };
  const file = (path: string): File => {
    const found = find(path);
    if (found?.kind !== 'file') throw new Error(`no file ${path}`);
    return found;
  };
  const create = (path: string, isTruncated: boolean) => {
    if (find(path) === undefined) parent(path).set(basename(path), newFile());
    else if (isTruncated) file(path).bytes = Buffer.alloc(0);
  };
  return {
    apply: (operation) => {
      const {type, path} = operation;
      if (type === 'create') create(path, operation.isTruncated);
      else if (type === 'write') write(file(path), operation.bytes, operation.offset);
      else if (type === 'truncate') resize(file(path), operation.length);
      else if (type === 'remove') parent(path).delete(basename(path));
      else if (type === 'make-directory') {
        // The root is made by the first command.
        if (path !== root) parent(path).set(basename(path), newDirectory());
      } else if (type === 'rename') {
        const moved = find(path);
        if (!moved) throw new Error(`nothing to rename at ${path}`);
        parent(path).delete(basename(path));
        parent(operation.target).set(basename(operation.target), moved);
      } else if (type === 'sync-begun') {
        const entry = find(path);
        if (entry) begun.set(operation.call, beginSync(entry));
      } else begun.get(operation.call)?.();
    },
    cut: (cut) => new Map(list(top, '', cut)),
  };
}

const newFile = (bytes = Buffer.alloc(0)): File => ({kind: 'file', bytes, synced: bytes});
const newDirectory = (entries = new Map<string, Entry>()): Directory => ({
  kind: 'directory',
  entries,
  synced: new Map(entries),
});

/** @returns what makes durable what was there at this moment. */
function beginSync(entry: Entry): () => void {
  if (entry.kind === 'file') {
    const {bytes} = entry;
    return () => {
      entry.synced = bytes;
    };
  }
  const entries = new Map(entry.entries);
  return () => {
    entry.synced = entries;
  };
}

function write(target: File, bytes: Buffer, offset: number | null): void {
  const start = offset ?? target.bytes.length;
  const grown = Buffer.alloc(Math.max(target.bytes.length, start + bytes.length));
  target.bytes.copy(grown);
  bytes.copy(grown, start);
  target.bytes = grown;
}

function resize(target: File, length: number): void {
  const resized = Buffer.alloc(length);
  target.bytes.copy(resized);
  target.bytes = resized;
}

function* list({entries, synced}: Directory, path: string, cut: Cut): Generator<[string, Buffer | null]> {
  const isTaken = (name: string) => (DATABASE.test(name) ? cut.database : cut.names) === 'all';
  const named = new Map([
    ...[...synced].filter(([name]) => !isTaken(name)),
    ...[...entries].filter(([name]) => isTaken(name)),
  ]);
  for (const [name, entry] of named) {
    const place = join(path, name);
    if (entry.kind === 'directory') {
      yield [place, null];
      yield* list(entry, place, cut);
    } else if (!SHARED_MEMORY.test(name)) {
      const isWhole = (DATABASE.test(name) ? cut.database : cut.content) === 'all';
      yield [place, isWhole ? entry.bytes : entry.synced];
    }
  }
}

function readDirectory(path: string): Directory {
  const names = statSync(path, {throwIfNoEntry: false}) ? readdirSync(path, {withFileTypes: true}) : [];
  const entries = names
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .map((entry): [string, Entry] => {
      const place = join(path, entry.name);
      return [entry.name, entry.isDirectory() ? readDirectory(place) : newFile(readFileSync(place))];
    });
  return newDirectory(new Map(entries));
}

/** Writes what is left of a disk to a directory that does not exist yet. */
export function writeRemains(remains: ReadonlyMap<string, Buffer | null>, directory: string): void {
  mkdirSync(directory);
  for (const [path, bytes] of remains) {
    if (bytes === null) mkdirSync(join(directory, path));
    else writeFileSync(join(directory, path), bytes);
  }
}
