import {type TarEntry as BuiltEntry, buildTar, type TarOptions} from '../../fixtures/build-tar.ts';
import {FileType} from '../../src/layers/erofs-format.ts';
import {type InodeId, inodeType, ROOT, WHITEOUT} from '../../src/layers/inode-table.ts';
import type {TarEntry} from '../../src/layers/tar-entry.ts';
import {createTarReader} from '../../src/layers/tar-reader.ts';
import {createTreeBuilder, type LayerTree} from '../../src/layers/tree.ts';

/** What a tar reader yields for these bytes, pushed in pieces of `pieceBytes`. */
export function readTar(tar: Buffer, pieceBytes = tar.length): TarEntry[] {
  const entries: TarEntry[] = [];
  const reader = createTarReader((entry) => entries.push(entry));
  for (let at = 0; at < tar.length; at += pieceBytes) reader.push(tar.subarray(at, at + pieceBytes));
  reader.end();
  return entries;
}

/** The tree of a layer with these entries. */
export function buildTree(entries: readonly BuiltEntry[], options: TarOptions = {}): LayerTree {
  const builder = createTreeBuilder();
  for (const entry of readTar(buildTar(entries, options))) builder.add(entry);
  return builder.finish();
}

/**
 * A tree as `path: what` lines sorted by path: `file`, `directory`, `directory opaque`, `whiteout`, `symlink → target`
 * …; names of one inode after the first say `= first name`.
 */
export function listTree(tree: LayerTree): Record<string, string> {
  const lines: [path: string, what: string][] = [];
  const seen = new Map<InodeId, string>();
  const visit = (directory: InodeId, prefix: string) => {
    for (const {name, inode} of tree.names.list(directory)) {
      const path = `${prefix}${name}`;
      const isDirectory = inodeType(tree.inodes, inode) === FileType.directory;
      const first = seen.get(inode);
      lines.push([path, first === undefined || inode === WHITEOUT ? describeInode(tree, inode) : `= ${first}`]);
      seen.set(inode, first ?? path);
      if (isDirectory) visit(inode, `${path}/`);
    }
  };
  visit(ROOT, '');
  return Object.fromEntries(lines.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describeInode({inodes}: LayerTree, inode: InodeId): string {
  if (inode === WHITEOUT) return 'whiteout';
  const type = inodeType(inodes, inode);
  const name = Object.entries(FileType).find(([, value]) => value === type)?.[0] ?? 'placeholder';
  if (type === FileType.symlink) return `symlink → ${inodes.targets.get(inode)}`;
  return inodes.opaque.has(inode) ? `${name} opaque` : name;
}
