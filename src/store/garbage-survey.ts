import type {Database} from './database.ts';
import {type Entry, listEntries} from './garbage-files.ts';
import {type Leaving, listUnneededLayers, type Needed, NOTHING_LEAVES, readNeeded} from './needed.ts';
import type {StorePaths} from './paths.ts';

/**
 * Changes the graph, as a part of the transaction in which nobody can claim anything; short, since others wait.
 *
 * @returns false: what it relies on is no longer so, and it has changed nothing
 */
export type RemovalStep = (database: Database, isClaimed: (digest: string) => boolean) => boolean;

/** What is to be taken out of the graph. */
export interface Removal extends Leaving {
  /** Take out all of it, a transaction each. */
  readonly steps: readonly RemovalStep[];
}

/** What a collection goes by: the store as it was at one moment. */
export interface Survey {
  /** {@link readStamp} of the state that all of this is about. */
  readonly stamp: string;
  /** Once all steps are done. */
  readonly needed: Needed;
  readonly steps: readonly RemovalStep[];
  /** Diff ids of recorded layer files that are then not needed. */
  readonly layers: readonly string[];
  /** What is then not needed; some of it may be none of anybody's. */
  readonly entries: readonly Entry[];
}

export interface SurveyOptions {
  readonly paths: StorePaths;
  readonly choose?: ((database: Database, isClaimed: (digest: string) => boolean) => Removal) | undefined;
  readonly isClaimed: (digest: string) => boolean;
}

/** Holds no lock, unless the caller does. */
export function surveyStore(database: Database, {paths, choose, isClaimed}: SurveyOptions): Survey {
  const known = database.snapshot(() => {
    const stamp = readStamp(database);
    const {steps, ...leaving} = choose?.(database, isClaimed) ?? {...NOTHING_LEAVES, steps: []};
    const needed = readNeeded(database, leaving);
    return {stamp, steps, needed, layers: listUnneededLayers(database, needed)};
  });
  // After the database: what is stored from now on changes it as well.
  return {...known, entries: listEntries(paths, known.needed)};
}

/** Differs from an earlier one of the same connection if anybody has changed the database since. */
export const readStamp = (database: Database): string =>
  `${database.get('PRAGMA data_version')?.data_version} ${database.get('SELECT total_changes() AS count')?.count}`;
