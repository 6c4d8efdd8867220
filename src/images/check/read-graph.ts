import {relative} from 'node:path';
import {isWinchError} from '../../errors.ts';
import {type ExpectedFile, findDatabaseFaults, listExpectedFiles} from '../../store/expected-files.ts';
import {type FoundFiles, findFiles, statFile} from '../../store/found-files.ts';
import {isLayoutIndexCurrent} from '../../store/layout-index.ts';
import {hasRebuiltDatabase} from '../../store/rebuilt-store.ts';
import type {Store} from '../../store/store.ts';
import {pathOf} from './check-file.ts';
import {createFinding, type Finding, type FindingCode} from './finding.ts';

/** What the database says of the store, and what lies on the disk. */
export interface StoredGraph {
  readonly expected: readonly ExpectedFile[];
  readonly droppedBlobs: number;
  readonly found: FoundFiles;
  /** What is wrong with the database itself. */
  readonly faults: readonly Finding[];
  /** Whether other tools are told the same. */
  readonly isLayoutCurrent: boolean;
}

interface Rows extends Pick<StoredGraph, 'expected' | 'isLayoutCurrent'> {
  readonly faults: readonly Fault[];
  /** Whether there is no database, or nothing in it. */
  readonly isAbsent: boolean;
}

interface Fault {
  readonly code: FindingCode;
  readonly detail: string;
}

/** Rows first, then files: what a pull adds in between has no row, and is no damage. */
export function readGraph(store: Store): StoredGraph {
  const {paths} = store;
  const rows = readRows(store);
  const found = findFiles(paths);
  const faults = [...findFileFaults(store, {found, isAbsent: rows.isAbsent}), ...rows.faults];
  const path = relative(paths.root, paths.database);
  const isGone = (file: ExpectedFile) => file.isDropped && statFile(pathOf(paths, file)) === null;
  const expected = rows.expected.filter((file) => !isGone(file));
  return {
    ...rows,
    expected,
    droppedBlobs: rows.expected.length - expected.length,
    found,
    faults: faults.map((fault) => createFinding({...fault, path})),
  };
}

function findFileFaults({paths}: Store, {found, isAbsent}: {readonly found: FoundFiles; readonly isAbsent: boolean}) {
  const fault = (code: FindingCode, detail: string): readonly Fault[] => [{code, detail}];
  if (hasRebuiltDatabase(paths)) return fault('DATABASE_UNFINISHED', 'a new one is ready to take its place');
  if (!isAbsent || found.blobs.length === 0) return [];
  const isThere = statFile(paths.database) !== null;
  return isThere ? fault('DATABASE_DAMAGED', 'it is empty') : fault('DATABASE_MISSING', 'it is not there');
}

function readRows(store: Store): Rows {
  const absent = {expected: [], isLayoutCurrent: true, faults: [], isAbsent: true};
  let faults: readonly Fault[] = [];
  try {
    return store.read<Rows>((database) => {
      faults = findDatabaseFaults(database);
      const expected = listExpectedFiles(database);
      return {expected, faults, isAbsent: false, isLayoutCurrent: isLayoutIndexCurrent(store.paths, database)};
    }, absent);
  } catch (error) {
    if (faults.length > 0) return {...absent, faults, isAbsent: false};
    if (!isWinchError(error, 'STORE_CORRUPT')) throw error;
    return {...absent, faults: [{code: 'DATABASE_DAMAGED', detail: 'SQLite cannot read it'}], isAbsent: false};
  }
}
