import {type DirentBlocks, planDirents} from './erofs-directory.ts';
import {alignUp, BLOCK_BYTES, FileType, HEAD_BYTES, INODE_BYTES, SLOT_BYTES} from './erofs-format.ts';
import {storedXattrs, xattrBytes} from './erofs-xattr.ts';
import {type InodeId, inodeType, ROOT, WHITEOUT} from './inode-table.ts';
import type {NamedInode} from './name-table.ts';
import type {LayerTree} from './tree.ts';

/** Where everything behind the tar goes. Arrays are by {@link InodeId}. */
export interface ErofsLayout {
  readonly tree: LayerTree;
  /** Metadata begins here, bytes from the start of the file; a multiple of 4 KiB. */
  readonly start: number;
  /** The end of the file; a multiple of 4 KiB. */
  readonly end: number;
  /** The inodes that have a name, in the order of their positions. */
  readonly order: readonly InodeId[];
  /** Of each inode, bytes from the start of the file; 0 for none. */
  readonly positions: Float64Array;
  readonly links: Uint32Array;
  readonly directories: ReadonlyMap<InodeId, DirentBlocks>;
  /** The first block of each payload that does not fit behind its inode. */
  readonly payloadBlocks: ReadonlyMap<InodeId, number>;
  /** Names that the layer hides one by one. */
  readonly whiteouts: number;
}

type Elsewhere = Pick<ReadonlySet<InodeId>, 'has'>;

interface Planner extends Omit<ErofsLayout, 'end' | 'whiteouts'> {
  readonly elsewhere: Elsewhere;
  readonly order: InodeId[];
  readonly directories: Map<InodeId, DirentBlocks>;
  readonly payloadBlocks: Map<InodeId, number>;
  /** The end of the last inode. */
  position: number;
  whiteouts: number;
}

const NOWHERE: Elsewhere = Object.freeze({has: () => false});
const PAGE_BYTES = 4096;
/** A directory's name above, and its own dot. */
const DIRECTORY_LINKS = 2;

/**
 * Plans the index: inodes breadth first, so that a directory's entries lie together, then the directories and symlinks
 * that do not fit behind their inode.
 *
 * @param elsewhere Inodes that are written by somebody else: they get no position here.
 */
export function layOutErofs(tree: LayerTree, tarBytes: number, elsewhere: Elsewhere = NOWHERE): ErofsLayout {
  const start = alignUp(HEAD_BYTES + tarBytes, PAGE_BYTES);
  const planner: Planner = {
    tree,
    elsewhere,
    start,
    order: [],
    positions: new Float64Array(tree.inodes.count),
    links: new Uint32Array(tree.inodes.count),
    directories: new Map(),
    payloadBlocks: new Map(),
    // Some programs take inode number 0 for a deleted file, so the first slots stay empty.
    position: start + INODE_BYTES,
    whiteouts: 0,
  };
  place(planner, ROOT);
  planner.links[ROOT] = DIRECTORY_LINKS;
  // The loop also visits the directories that it adds.
  for (const [directory, {entries}] of planner.directories) placeChildren(planner, directory, entries);
  const {elsewhere: _, position: __, ...layout} = planner;
  return {...layout, end: alignUp(placePayloads(planner), PAGE_BYTES)};
}

function placeChildren(planner: Planner, directory: InodeId, entries: readonly NamedInode[]): void {
  const {positions, links, elsewhere} = planner;
  const {inodes} = planner.tree;
  for (const {name, inode} of entries) {
    if (name === '.' || name === '..') continue;
    if (positions[inode] === 0 && !elsewhere.has(inode)) place(planner, inode);
    const isDirectory = inodeType(inodes, inode) === FileType.directory;
    links[inode] = (links[inode] ?? 0) + (isDirectory ? DIRECTORY_LINKS : 1);
    if (isDirectory) links[directory] = (links[directory] ?? 0) + 1;
    if (inode === WHITEOUT) planner.whiteouts++;
  }
}

function place(planner: Planner, inode: InodeId): void {
  const {inodes} = planner.tree;
  const isDirectory = inodeType(inodes, inode) === FileType.directory;
  if (isDirectory) planner.directories.set(inode, planDirents(visibleEntries(planner.tree, inode)));
  const payload = payloadBytes(planner, inode);
  const size = INODE_BYTES + xattrBytes(storedXattrs(inodes, inode));
  const isInline = size + payload <= BLOCK_BYTES;
  if (!isInline && payload > 0) planner.payloadBlocks.set(inode, 0);
  const position = withinBlock(alignUp(planner.position, SLOT_BYTES), isInline ? size + payload : INODE_BYTES);
  planner.positions[inode] = position;
  planner.order.push(inode);
  planner.position = position + size + (isInline ? payload : 0);
}

/** Bytes of a directory's entries or of a symlink's target. */
export const payloadBytes = ({directories, tree}: Pick<ErofsLayout, 'directories' | 'tree'>, inode: InodeId): number =>
  directories.get(inode)?.bytes ?? tree.inodes.targets.get(inode)?.length ?? 0;

/** An opaque directory hides everything below it already; whiteouts there would be listed as ghosts. */
function visibleEntries({inodes, names}: LayerTree, directory: InodeId): readonly NamedInode[] {
  const parent = inodes.parents.get(directory) ?? ROOT;
  const own = names.list(directory);
  const visible = hidesLowerLayers(inodes, directory) ? own.filter(({inode}) => inode !== WHITEOUT) : own;
  return [{name: '.', inode: directory}, {name: '..', inode: parent}, ...visible];
}

function hidesLowerLayers({opaque, parents}: LayerTree['inodes'], directory: InodeId): boolean {
  if (opaque.size === 0) return false;
  for (let ancestor = directory; ; ancestor = parents.get(ancestor) ?? ROOT) {
    if (opaque.has(ancestor)) return true;
    if (ancestor === ROOT) return false;
  }
}

/** `position`, or the next block when `bytes` would cross into it. */
const withinBlock = (position: number, bytes: number): number =>
  (position % BLOCK_BYTES) + bytes <= BLOCK_BYTES ? position : alignUp(position, BLOCK_BYTES);

/** Gives blocks to the payloads that are not inline; returns the end of the last. */
function placePayloads(planner: Planner): number {
  let block = alignUp(planner.position, BLOCK_BYTES) / BLOCK_BYTES;
  for (const inode of planner.payloadBlocks.keys()) {
    planner.payloadBlocks.set(inode, block);
    block += alignUp(payloadBytes(planner, inode), BLOCK_BYTES) / BLOCK_BYTES;
  }
  return block * BLOCK_BYTES;
}

/** EROFS' nid: 32-byte slots from the start of the metadata. */
export const inodeNumber = ({positions, start}: Pick<ErofsLayout, 'positions' | 'start'>, inode: InodeId): number =>
  ((positions[inode] ?? 0) - start) / SLOT_BYTES;
