import type {ByteString} from './byte-string.ts';
import type {FileNode} from './file-tree.ts';

/** Linux: MAXSYMLINKS. */
const SYMLINK_LIMIT = 40;
const ENDS_IN_DIRECTORY = /\/\.?$/;

export interface FoundFile {
  /** Where it is once the symlinks of the path are followed. */
  readonly path: ByteString;
  readonly node: FileNode;
}

/** Where a path leads: `missing` has the directory that lacks the next name, or the file that has no names at all. */
export type FileSearch =
  | (FoundFile & {readonly outcome: 'found'})
  | (FoundFile & {readonly outcome: 'missing'; readonly name: ByteString})
  | {readonly outcome: 'loop'};

export interface SearchOptions {
  /** Whether a symlink at the end of the path is followed as well. A slash or `/.` at the end does that anyway. */
  readonly followsLast?: boolean;
}

/**
 * The file of a path in a tree whose root is `/`. Symlinks on the way are followed, one at its end is the file itself.
 * Null: there is none, or more than 40 symlinks are on the way.
 */
export function findFile(root: FileNode, path: ByteString): FoundFile | null {
  const search = searchFile(root, path);
  return search.outcome === 'found' ? {path: search.path, node: search.node} : null;
}

/** As {@link findFile}, with the reason where there is none. `..` of the root is the root. */
export function searchFile(
  root: FileNode,
  path: ByteString,
  {followsLast = ENDS_IN_DIRECTORY.test(path)}: SearchOptions = {},
): FileSearch {
  const remaining = namesOf(path).toReversed();
  const trail: FoundFile[] = [];
  const start: FoundFile = {path: '/', node: root};
  let current = start;
  let followed = 0;
  for (let name = remaining.pop(); name !== undefined; name = remaining.pop()) {
    if (name === '..' && current.node.entries) {
      current = trail.pop() ?? current;
      continue;
    }
    const node = current.node.entries?.get(name);
    if (!node) return {outcome: 'missing', ...current, name};
    if (node.linkTarget !== null && (followsLast || remaining.length > 0)) {
      if (++followed > SYMLINK_LIMIT) return {outcome: 'loop'};
      if (node.linkTarget.startsWith('/')) {
        current = start;
        trail.length = 0;
      }
      remaining.push(...namesOf(node.linkTarget).reverse());
    } else {
      trail.push(current);
      current = {path: `${current.path === '/' ? '' : current.path}/${name}`, node};
    }
  }
  return {outcome: 'found', ...current};
}

const namesOf = (path: ByteString): ByteString[] => path.split('/').filter((name) => name !== '' && name !== '.');
