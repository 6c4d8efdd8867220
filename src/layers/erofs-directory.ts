import {BLOCK_BYTES, DIRENT_BYTES, FileType} from './erofs-format.ts';
import type {NamedInode} from './name-table.ts';

/** How a directory's names fall into blocks; a name never crosses one. */
export interface DirentBlocks {
  /** In byte order, `.` and `..` among them: the kernel finds a block, and a name in it, by bisection. */
  readonly entries: readonly NamedInode[];
  /** The index of each block's first entry. */
  readonly starts: readonly number[];
  /** Whole blocks but for the last one, of which the used part counts. */
  readonly bytes: number;
}

/** What {@link encodeDirentBlock} looks up for each name. */
export interface Dirent {
  /** EROFS' nid. */
  readonly number: number;
  /** One of {@link FileType}. */
  readonly type: number;
}

const DIRENT_TYPES: Readonly<Record<number, number>> = Object.freeze({
  [FileType.file]: 1,
  [FileType.directory]: 2,
  [FileType.character]: 3,
  [FileType.block]: 4,
  [FileType.fifo]: 5,
  [FileType.symlink]: 7,
});

/** Sorts the entries of a directory and cuts them into blocks. */
export function planDirents(unsorted: readonly NamedInode[]): DirentBlocks {
  const entries = unsorted.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const starts = [0];
  let used = 0;
  for (const [index, {name}] of entries.entries()) {
    const bytes = DIRENT_BYTES + name.length;
    if (used + bytes > BLOCK_BYTES) {
      starts.push(index);
      used = 0;
    }
    used += bytes;
  }
  return {entries, starts, bytes: (starts.length - 1) * BLOCK_BYTES + used};
}

export interface DirentBlock {
  readonly blocks: DirentBlocks;
  readonly index: number;
  readonly look: (entry: NamedInode) => Dirent;
}

/** Writes one block at `at`: the fixed-size records first, the names behind them. */
export function encodeDirentBlock(bytes: Buffer, at: number, {blocks, index, look}: DirentBlock): void {
  const {entries, starts} = blocks;
  const block = entries.slice(starts[index], starts[index + 1]);
  let record = at;
  let nameOffset = block.length * DIRENT_BYTES;
  for (const entry of block) {
    const {number, type} = look(entry);
    bytes.writeUInt32LE(number, record);
    bytes.writeUInt16LE(nameOffset, record + 8);
    bytes.writeUInt8(DIRENT_TYPES[type] ?? 0, record + 10);
    bytes.write(entry.name, at + nameOffset, 'latin1');
    record += DIRENT_BYTES;
    nameOffset += entry.name.length;
  }
}
