import type {DirectoryMarks} from '../host/restore-directories.ts';
import type {ByteString} from './byte-string.ts';
import type {ErofsLayout} from './erofs-layout.ts';
import {type InodeId, ROOT} from './inode-table.ts';

/** The paths of the directories of a layer that are not what they seem. */
export function markDirectories({tree, directories}: Pick<ErofsLayout, 'tree' | 'directories'>): DirectoryMarks {
  const {implied, opaque} = tree.inodes;
  const paths = new Map<InodeId, ByteString>([[ROOT, '']]);
  // Directories come before those inside them.
  for (const [directory, {entries}] of directories) {
    const above = paths.get(directory) ?? '';
    for (const {name, inode} of entries) {
      if (name !== '.' && name !== '..' && directories.has(inode))
        paths.set(inode, above === '' ? name : `${above}/${name}`);
    }
  }
  const pathsOf = (marked: ReadonlySet<InodeId>) => [...marked].flatMap((inode) => paths.get(inode) ?? []).toSorted();
  return {implied: pathsOf(implied), opaque: pathsOf(opaque)};
}
