import {relative} from 'node:path';
import type {Digest} from '../../oci/digest.ts';
import {statFile} from '../../store/found-files.ts';
import type {StorePaths} from '../../store/paths.ts';
import {checkDatabaseFile, checkDirectory, pathOf} from './check-file.ts';
import type {Damage} from './check-files.ts';
import {createFinding, type Finding, type FindingCode} from './finding.ts';
import type {StoredGraph} from './read-graph.ts';

/** Directories of the store, and its database, that others may use. Those of containers are theirs. */
export function findOpenPlaces(paths: StorePaths, {found}: StoredGraph): readonly Damage[] {
  const owner = statFile(paths.root)?.uid;
  const faults = [
    ...found.directories.flatMap((path) => checkDirectory(path, owner)),
    ...checkDatabaseFile(paths.database, owner),
  ];
  return faults.map(({code, detail, path = paths.database}) => ({
    file: null,
    isUnread: false,
    finding: createFinding({code, detail, path: relative(paths.root, path)}),
  }));
}

/** What no image needs, and what says something else than the database to others. */
export function findExtras(
  paths: StorePaths,
  {expected, found, faults, isLayoutCurrent}: StoredGraph,
): readonly Finding[] {
  // What a damaged database does not name may be needed all the same.
  if (faults.length > 0) return [];
  const known = new Set(expected.map((file) => pathOf(paths, file)));
  const extra = (code: FindingCode, path: string, detail: string, digest?: Digest): Finding[] =>
    known.has(path) ? [] : [createFinding({code, path: relative(paths.root, path), detail, digest})];
  const unneeded = 'no image needs it';
  const stale = 'it is not what the database says';
  return [
    ...found.blobs.flatMap((digest) => extra('EXTRA_BLOB', paths.blob(digest), unneeded, digest)),
    ...found.layers.flatMap((digest) => extra('EXTRA_LAYER', paths.layer(digest), unneeded, digest)),
    ...found.unnamed.flatMap((path) => extra('EXTRA_FILE', path, 'it has no digest for its name')),
    ...found.leftovers.flatMap((path) => extra('EXTRA_LEFTOVER', path, 'somebody has not finished with it')),
    ...found.databases.flatMap((path) => extra('EXTRA_DATABASE', path, 'a repair has replaced it')),
    ...(isLayoutCurrent ? [] : extra('LAYOUT_STALE', paths.layoutIndex, stale)),
  ];
}
