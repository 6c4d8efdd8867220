import type {ByteString} from './byte-string.ts';
import type {FileNode} from './file-tree.ts';

/** Linux: MAXSYMLINKS. */
const SYMLINK_LIMIT = 40;

export interface FoundFile {
  /** Where it is once the symlinks of the path are followed. */
  readonly path: ByteString;
  readonly node: FileNode;
}

/**
 * The file of a path in a tree whose root is `/`. Symlinks on the way are followed, one at its end is the file itself.
 * Null: there is none, or more than 40 symlinks are on the way.
 */
export function findFile(root: FileNode, path: ByteString): FoundFile | null {
  const remaining = namesOf(path).toReversed();
  const trail: FoundFile[] = [];
  let current: FoundFile = {path: '', node: root};
  let followed = 0;
  for (let name = remaining.pop(); name !== undefined; name = remaining.pop()) {
    if (name === '..') {
      current = trail.pop() ?? current;
      continue;
    }
    const node = current.node.entries?.get(name);
    if (!node) return null;
    if (node.linkTarget !== null && remaining.length > 0) {
      if (++followed > SYMLINK_LIMIT) return null;
      if (node.linkTarget.startsWith('/')) {
        current = {path: '', node: root};
        trail.length = 0;
      }
      remaining.push(...namesOf(node.linkTarget).reverse());
    } else {
      trail.push(current);
      current = {path: `${current.path}/${name}`, node};
    }
  }
  return current.path === '' ? {path: '/', node: root} : current;
}

const namesOf = (path: ByteString): ByteString[] => path.split('/').filter((name) => name !== '' && name !== '.');
