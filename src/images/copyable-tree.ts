import type {ByteString} from '../layers/byte-string.ts';
import type {FileNode} from '../layers/file-tree.ts';

export interface CopyRights {
  readonly uid: number;
  readonly gid: number;
  /** Whether owners, set-id bits, devices and extended attributes of the image are kept, as only root can. */
  readonly keepsAll: boolean;
}

/** The part of a tree that is copied, as its new owner has it. */
export interface CopyableTree {
  /** Null: nothing of it can be copied. */
  readonly node: FileNode | null;
  /** Names of files that are no directories. */
  readonly files: number;
  /** Bytes of their content, for each name. */
  readonly bytes: number;
  /** Devices that are left out. */
  readonly devices: number;
}

const SET_ID_BITS = 0o6000;
const OWNER_MAY_ALL = 0o700;

/** Reads a whole tree and takes from it what its new owner must not or cannot have. */
export function takeCopyable(root: FileNode, rights: CopyRights): CopyableTree {
  const count = {files: 0, bytes: 0, devices: 0};
  const take = (node: FileNode): FileNode | null => {
    const isDevice = node.kind === 'character' || node.kind === 'block';
    if (isDevice && !rights.keepsAll) {
      count.devices += 1;
      return null;
    }
    if (node.kind !== 'directory') {
      count.files += 1;
      count.bytes += node.size;
      return withRights(node, rights);
    }
    const entries = new Map<ByteString, FileNode>();
    for (const [name, child] of node.entries ?? []) {
      const taken = take(child);
      if (taken) entries.set(name, taken);
    }
    return {...withRights(node, rights), entries};
  };
  const node = take(root);
  return {node, ...count};
}

function withRights(node: FileNode, {uid, gid, keepsAll}: CopyRights): FileNode {
  if (keepsAll) return node;
  // Set-id programs of an image would be the caller's; a directory that its owner may not change could not be filled.
  const permissions = (node.permissions & ~SET_ID_BITS) | (node.kind === 'directory' ? OWNER_MAY_ALL : 0);
  return {...node, uid, gid, permissions, xattrs: null};
}
