import {type ByteString, displayBytes} from './byte-string.ts';
import {splitPath} from './entry-path.ts';
import {FileType} from './erofs-format.ts';
import {addInode, type InodeId, type InodeTable, inodeType, ROOT, WHITEOUT} from './inode-table.ts';
import {type NameTable, NO_INODE} from './name-table.ts';
import {entryRefusal} from './refusal.ts';
import {resolveDirectory} from './resolve.ts';
import type {TarEntry} from './tar-entry.ts';

/** The hard links of one layer. */
export interface HardLinks {
  /** Gives `name` to the entry's target, or to a placeholder when the target is still to come. */
  add(directory: InodeId, name: ByteString, entry: TarEntry): void;
  /** Replaces the placeholders. @throws {WinchError} `TAR_LINK`: a target that this layer does not have. */
  settle(): void;
}

interface PendingLink {
  readonly directory: InodeId;
  readonly name: ByteString;
  readonly entry: TarEntry;
}

const PLACEHOLDER_TYPE = 0;

/**
 * Resolves hard links inside the layer only. The last name of a target is never followed: a hard link to a symlink is
 * one more name of the symlink itself.
 */
export function createHardLinks(inodes: InodeTable, names: NameTable): HardLinks {
  const pending = new Map<InodeId, PendingLink>();
  const find = (entry: TarEntry) => findTarget(inodes, names, entry);
  return {
    add: (directory, name, entry) => {
      const target = find(entry);
      if (target !== NO_INODE && !pending.has(target)) {
        names.set(directory, name, target);
        return;
      }
      const placeholder = addInode(inodes, PLACEHOLDER_TYPE);
      names.set(directory, name, placeholder);
      pending.set(placeholder, {directory, name, entry});
    },
    settle: () => {
      for (const [placeholder, start] of pending) {
        if (names.get(start.directory, start.name) !== placeholder) continue;
        const {links, target} = followLinks(pending, start, find);
        if (target === NO_INODE) throw missingTarget(start.entry);
        // Settling the whole chain at once keeps a hostile one from taking quadratic time.
        for (const {directory, name} of links) names.set(directory, name, target);
      }
    },
  };
}

/** The placeholders from `start` on, and what the last one refers to; no inode when they form a ring. */
function followLinks(
  pending: ReadonlyMap<InodeId, PendingLink>,
  start: PendingLink,
  find: (entry: TarEntry) => InodeId,
): {readonly links: ReadonlySet<PendingLink>; readonly target: InodeId} {
  const links = new Set<PendingLink>();
  let target = NO_INODE;
  for (let link: PendingLink | undefined = start; link && !links.has(link); link = pending.get(target)) {
    links.add(link);
    target = find(link.entry);
  }
  return {links, target: pending.has(target) ? NO_INODE : target};
}

function findTarget(inodes: InodeTable, names: NameTable, {path, linkPath}: TarEntry): InodeId {
  const parts = splitPath(linkPath, path);
  if (parts.includes('..')) throw entryRefusal('TAR_LINK', path, 'is a hard link that points outside the image');
  const name = parts.at(-1);
  const parent = resolveDirectory(parts.slice(0, -1), {inodes, names, path, onMissing: () => NO_INODE});
  if (parent === NO_INODE) return NO_INODE;
  const target = name === undefined ? ROOT : names.get(parent, name);
  if (target === NO_INODE || target === WHITEOUT) return NO_INODE;
  if (inodeType(inodes, target) !== FileType.directory) return target;
  throw entryRefusal('TAR_LINK', path, 'is a hard link to a directory');
}

const missingTarget = ({path, linkPath}: TarEntry) =>
  entryRefusal(
    'TAR_LINK',
    path,
    `is a hard link to ${displayBytes(linkPath)}, which this layer does not have (hard links cannot leave their layer)`,
  );
