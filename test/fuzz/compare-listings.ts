import type {TarEntry} from '../../src/layers/tar-entry.ts';
import type {ReferenceEntry, ReferenceListing} from './reference-readers.ts';

/** Where another reader and ours part; null where they agree. */
export function compareListings(entries: readonly TarEntry[], listing: ReferenceListing): string | null {
  if ('error' in listing) return `it fails: ${listing.error}`;
  for (const [index, reference] of listing.entries.entries()) {
    const entry = entries[index];
    if (entry === undefined) break;
    const difference = compareEntry(entry, reference);
    if (difference !== null) return `entry ${index}: ${difference}`;
  }
  const [ours, theirs] = [entries.length, listing.entries.length];
  return ours === theirs ? null : `${ours} entries here and ${theirs} there`;
}

function compareEntry(entry: TarEntry, reference: ReferenceEntry): string | null {
  const isFile = entry.type === 'file';
  const {mtimeUnit} = reference;
  const pairs: readonly (readonly [name: string, ours: unknown, theirs: unknown])[] = [
    ['path', trimSlashes(entry.path), trimSlashes(reference.path)],
    ['type', entry.type, reference.type],
    ['link', entry.linkPath, reference.linkPath],
    ['uid', entry.uid, reference.uid],
    ['gid', entry.gid, reference.gid],
    ['mtime', Math.floor(entry.mtimeSeconds / mtimeUnit), Math.floor(reference.mtime / mtimeUnit)],
    ['size', entry.size, isFile ? reference.size : 0],
    ['permissions', entry.permissions, reference.permissions ?? entry.permissions],
    ['offset', entry.dataOffset, reference.dataOffset ?? entry.dataOffset],
  ];
  const different = pairs.find(([, ours, theirs]) => ours !== theirs);
  return different ? `${different[0]} ${JSON.stringify(different[1])} and ${JSON.stringify(different[2])}` : null;
}

/** Readers differ in whether they show the slash behind a directory. */
const trimSlashes = (path: string): string => path.replace(/\/+$/, '');
