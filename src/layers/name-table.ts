import type {ByteString} from './byte-string.ts';
import type {InodeId} from './inode-table.ts';

/** What {@link NameTable.get} returns for a name that does not exist. */
export const NO_INODE: InodeId = -1;

export interface NamedInode {
  readonly name: ByteString;
  readonly inode: InodeId;
}

/**
 * The names of all directories of a layer, outside the garbage collector's reach as {@link InodeTable} is.
 *
 * A hash table over (directory, name). Names are never removed, only given to another inode; a directory that lost its
 * name keeps its entries, and nothing leads to them.
 */
export interface NameTable {
  /** The inode of a name, or {@link NO_INODE}. */
  get(directory: InodeId, name: ByteString): InodeId;
  /** Gives a name to an inode; another one loses it. */
  set(directory: InodeId, name: ByteString, inode: InodeId): void;
  /** In no order that means anything. */
  list(directory: InodeId): readonly NamedInode[];
}

interface Storage {
  /** Entry numbers by hash, open addressing; 0 is empty, so entry numbers start at 1. */
  slots: Uint32Array;
  /** `COLUMNS` numbers for each entry. */
  entries: Int32Array;
  count: number;
  /** The bytes of all names, one after the other. */
  text: Buffer;
  textLength: number;
  /** The youngest entry of each directory; each entry knows the next older one. */
  readonly youngest: Map<InodeId, number>;
  /** So that nobody can prepare names that collide. */
  readonly seed: number;
}

const COLUMNS = 6;
const Column = Object.freeze({hash: 0, directory: 1, inode: 2, older: 3, nameStart: 4, nameLength: 5});
const FIRST_SLOTS = 1024;
const FIRST_TEXT_BYTES = 16 * 1024;
/** Slots for each entry at least; fewer make searches long. */
const SLOTS_PER_ENTRY = 2;
const HASH_PRIME = 0x01000193;

export function createNameTable(): NameTable {
  const storage: Storage = {
    slots: new Uint32Array(FIRST_SLOTS),
    entries: new Int32Array((FIRST_SLOTS / SLOTS_PER_ENTRY + 1) * COLUMNS),
    count: 0,
    text: Buffer.allocUnsafe(FIRST_TEXT_BYTES),
    textLength: 0,
    youngest: new Map(),
    seed: Math.floor(Math.random() * 2 ** 31),
  };
  return {
    get: (directory, name) => {
      const entry = findEntry(storage, {directory, name, hash: hashOf(storage, directory, name)});
      return entry === 0 ? NO_INODE : column(storage, entry, Column.inode);
    },
    set: (directory, name, inode) =>
      setEntry(storage, {directory, name, hash: hashOf(storage, directory, name)}, inode),
    list: (directory) => listEntries(storage, directory),
  };
}

interface Key {
  readonly directory: InodeId;
  readonly name: ByteString;
  readonly hash: number;
}

/** FNV-1a, started from the directory and the seed. */
function hashOf({seed}: Storage, directory: InodeId, name: ByteString): number {
  let hash = Math.imul(seed ^ directory, HASH_PRIME);
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), HASH_PRIME);
  return hash ^ (hash >>> 16);
}

const column = ({entries}: Storage, entry: number, name: number): number => entries[entry * COLUMNS + name] ?? 0;

/** The entry of a name, or 0. */
function findEntry(storage: Storage, key: Key): number {
  const {slots} = storage;
  const mask = slots.length - 1;
  for (let slot = key.hash & mask; ; slot = (slot + 1) & mask) {
    const entry = slots[slot] ?? 0;
    if (entry === 0 || isEntryOf(storage, entry, key)) return entry;
  }
}

function isEntryOf(storage: Storage, entry: number, {hash, directory, name}: Key): boolean {
  if (column(storage, entry, Column.hash) !== hash || column(storage, entry, Column.directory) !== directory)
    return false;
  if (column(storage, entry, Column.nameLength) !== name.length) return false;
  const start = column(storage, entry, Column.nameStart);
  for (let at = 0; at < name.length; at++) if (storage.text[start + at] !== name.charCodeAt(at)) return false;
  return true;
}

function setEntry(storage: Storage, key: Key, inode: InodeId): void {
  const existing = findEntry(storage, key);
  if (existing !== 0) {
    storage.entries[existing * COLUMNS + Column.inode] = inode;
    return;
  }
  const entry = ++storage.count;
  if (entry * SLOTS_PER_ENTRY > storage.slots.length) grow(storage);
  const {directory, name, hash} = key;
  storage.entries.set(
    [hash, directory, inode, storage.youngest.get(directory) ?? 0, appendText(storage, name), name.length],
    entry * COLUMNS,
  );
  storage.youngest.set(directory, entry);
  occupySlot(storage.slots, hash, entry);
}

function appendText(storage: Storage, name: ByteString): number {
  const start = storage.textLength;
  storage.textLength += name.length;
  if (storage.textLength > storage.text.length) storage.text = Buffer.concat([storage.text], storage.text.length * 2);
  storage.text.write(name, start, 'latin1');
  return start;
}

function grow(storage: Storage): void {
  const entries = new Int32Array(storage.entries.length * 2);
  entries.set(storage.entries);
  storage.entries = entries;
  storage.slots = new Uint32Array(storage.slots.length * 2);
  for (let entry = 1; entry < storage.count; entry++) {
    occupySlot(storage.slots, column(storage, entry, Column.hash), entry);
  }
}

function occupySlot(slots: Uint32Array, hash: number, entry: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = entry;
}

function listEntries(storage: Storage, directory: InodeId): readonly NamedInode[] {
  const list: NamedInode[] = [];
  for (let entry = storage.youngest.get(directory) ?? 0; entry !== 0; entry = column(storage, entry, Column.older)) {
    const start = column(storage, entry, Column.nameStart);
    const end = start + column(storage, entry, Column.nameLength);
    list.push({name: storage.text.toString('latin1', start, end), inode: column(storage, entry, Column.inode)});
  }
  return list;
}
