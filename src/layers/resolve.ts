import type {ByteString} from './byte-string.ts';
import {DEPTH_LIMIT, splitPath} from './entry-path.ts';
import {FileType} from './erofs-format.ts';
import {type InodeId, type InodeTable, inodeType, ROOT} from './inode-table.ts';
import {type NameTable, NO_INODE} from './name-table.ts';
import {entryRefusal} from './refusal.ts';

/** Linux: MAXSYMLINKS. */
const SYMLINK_LIMIT = 40;

export interface Resolution {
  readonly inodes: InodeTable;
  readonly names: NameTable;
  /** The entry whose path is being resolved, for messages. */
  readonly path: ByteString;
  /** Makes the directory `name`, where `existing` is missing or no directory, or returns {@link NO_INODE} to give up. */
  readonly onMissing: (parent: InodeId, name: ByteString, existing: InodeId) => InodeId;
}

/**
 * Walks to a directory of the layer through the layer's own symlinks, as if its root were `/`.
 *
 * A symlink that only a lower layer has is not seen: the name becomes a real directory here and hides it, as in every
 * overlay.
 *
 * @throws {WinchError} `TAR_LINK`: more than 40 symlinks; `TAR_LIMIT`: where these lead is beyond the limits of a path.
 */
export function resolveDirectory(path: readonly ByteString[], resolution: Resolution): InodeId {
  const {inodes, names, onMissing} = resolution;
  const remaining = path.toReversed();
  let current = ROOT;
  let followed = 0;
  for (let name = remaining.pop(); name !== undefined && current !== NO_INODE; name = remaining.pop()) {
    const child = name === '..' ? (inodes.parents.get(current) ?? ROOT) : names.get(current, name);
    const type = child === NO_INODE ? 0 : inodeType(inodes, child);
    if (type === FileType.directory) {
      current = child;
    } else if (type === FileType.symlink) {
      if (++followed > SYMLINK_LIMIT)
        throw entryRefusal('TAR_LINK', resolution.path, 'leads through too many symlinks');
      const target = inodes.targets.get(child) ?? '';
      if (target.startsWith('/')) current = ROOT;
      remaining.push(...splitPath(target, resolution.path).toReversed());
    } else {
      current = onMissing(current, name, child);
    }
  }
  if (followed > 0 && current !== NO_INODE) requireShallow(current, resolution);
  return current;
}

/** Without symlinks the path's own limit is enough. */
function requireShallow(directory: InodeId, {inodes, path}: Resolution): void {
  let depth = 1;
  for (let id: InodeId | undefined = directory; id !== undefined && id !== ROOT; id = inodes.parents.get(id)) {
    if (++depth > DEPTH_LIMIT) {
      throw entryRefusal('TAR_LIMIT', path, `leads through a symlink to more than ${DEPTH_LIMIT} directories deep`);
    }
  }
}
