import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {isLayerTree, storePaths} from './paths.ts';
import {isStagedTree} from './staged-tree.ts';

/**
 * Whether a store may hold files of other owners than its own, which its owner can neither read nor remove without
 * being root: extracted layers, what containers have written, volumes, and either of them on the way out.
 */
export function mayHoldForeignFiles(root: string): boolean {
  const {containers, kept, volumes, trash, layers} = storePaths(root);
  return (
    [containers, kept, volumes].some((parent) => namesIn(parent).some((name) => !name.startsWith('.'))) ||
    namesIn(trash).length > 0 ||
    namesIn(layers).some((algorithm) => holdsTrees(join(layers, algorithm)))
  );
}

const holdsTrees = (directory: string): boolean =>
  namesIn(directory).some((name) => isStagedTree(name) || namesIn(join(directory, name)).some(isLayerTree));

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    // What opens the store tells of such a place by its own name.
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG', 'EIO', 'ENOTCONN')) return [];
    throw error;
  }
}
