import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ProcessFacts} from '../events.ts';
import {randomHex} from '../host/random-hex.ts';
import type {Claims} from './claims.ts';
import type {Database} from './database.ts';
import {discardEntries, type Entry, sizeOf, statOrNull} from './garbage-files.ts';
import {type Removal, readStamp, type Survey, surveyStore} from './garbage-survey.ts';
import {keepLayoutIndex} from './layout-index.ts';
import type {Leases} from './leases.ts';
import {deleteUnneededChains, deleteUnneededRows} from './needed.ts';
import type {StorePaths} from './paths.ts';
import {emptyTrash, listTrash} from './trash.ts';

/** How long an unfinished download waits for somebody to go on with it. */
const PARTIAL_BLOB_MS = 7 * 24 * 60 * 60 * 1000;
/** What is taken while claims are held off: some 100 ms. */
const BATCH_ENTRIES = 2000;
/** Longer than anybody waits until the next look at a lock. */
const PAUSE_MS = 120;
/** How often the store is looked at anew because somebody changed it meanwhile, before the others have to wait. */
const PATIENT_SURVEYS = 4;

export interface GarbageOptions {
  /**
   * Chooses what is taken out of the graph first. Images that somebody claims should stay. It is asked again when
   * somebody else has changed the graph before that was done.
   */
  readonly choose?: ((database: Database, isClaimed: (digest: string) => boolean) => Removal) | undefined;
  /** Whether unfinished downloads go as well, however new they are. */
  readonly takesPartials?: boolean | undefined;
  /** Whether nothing is changed, and only said how much would be freed. */
  readonly isDryRun?: boolean | undefined;
  /** Milliseconds since 1970: what the age of unfinished downloads is told by. */
  readonly now?: number | undefined;
}

/** Sizes are bytes. */
export interface Collection {
  readonly freedBytes: number;
  /** What no image needs, and is left to those who work with it. */
  readonly keptBytes: number;
  /** Who they are, as far as the kernel tells; never this process. */
  readonly keptFor: readonly ProcessFacts[];
}

export interface Collector {
  readonly database: Database;
  readonly paths: StorePaths;
  readonly leases: Leases;
  /** Called while nobody has a lease, or can get one. */
  readonly onIdle?: () => void;
}

/**
 * Removes every blob and layer file that no image needs and nobody claims, and what killed processes left behind;
 * unfinished downloads only when nobody has gone on with them for 7 days.
 *
 * What goes is found out while nobody has to wait. Claims are held off only while rows are deleted or files are renamed
 * into the trash, for some 100 ms at a time; they are unlinked after that. Rows go first, then the files: a crash in
 * between leaves files without rows, which the next run removes.
 */
export async function collectGarbage(collector: Collector, options: GarbageOptions = {}): Promise<Collection> {
  const run = beginRun(collector, options);
  const claims = options.isDryRun ? judgeAll(collector, run, options) : await collectAll(collector, run, options);
  return {
    freedBytes: run.freedBytes,
    keptBytes: [...run.kept.values()].reduce((sum, bytes) => sum + bytes, 0),
    keptFor: claims.holdersOf(new Set(run.kept.keys())),
  };
}

/** One collection on its way through steps and entries. */
interface Run {
  /** What is left of it to be done. */
  survey: Survey;
  areRowsDeleted: boolean;
  position: number;
  freedBytes: number;
  /** Bytes by their owners. */
  kept: Map<string, number>;
  /** Names that were in the trash while nobody could be adding to them. */
  trash: readonly string[];
}

function beginRun(collector: Collector, options: GarbageOptions): Run {
  const fresh = {areRowsDeleted: false, position: 0, freedBytes: 0, trash: []};
  return {...fresh, ...lookAround(collector, collector.leases.read(), options)};
}

/** What has been freed until then stays counted; what is kept is found again. */
function lookAround({database, paths}: Collector, claims: Claims, {choose}: GarbageOptions) {
  const kept = new Map<string, number>();
  const survey = surveyStore(database, {paths, choose, isClaimed: noteClaimed(kept, claims)});
  return {survey, kept, areRowsDeleted: false, position: 0};
}

const noteClaimed = (kept: Map<string, number>, claims: Claims) => (digest: string) => {
  if (claims.has(digest) && !kept.has(digest)) kept.set(digest, 0);
  return claims.has(digest);
};

function judgeAll({leases}: Collector, run: Run, options: GarbageOptions): Claims {
  const claims = leases.read();
  judgeEntries(run, claims, options);
  return claims;
}

async function collectAll(collector: Collector, run: Run, options: GarbageOptions): Promise<Claims> {
  let claims = await collectBatch(collector, run, options);
  while (run.survey.steps.length > 0 || run.position < run.survey.entries.length) {
    await Promise.all([sleep(PAUSE_MS), emptyTrash(collector.paths, run.trash)]);
    claims = await collectBatch(collector, run, options);
  }
  deleteUnneededChains(collector.database);
  await emptyTrash(collector.paths, run.trash);
  return claims;
}

async function collectBatch(collector: Collector, run: Run, options: GarbageOptions): Promise<Claims> {
  for (let surveys = 1; ; ) {
    const claims = tryBatch(collector, run, {...options, isLookingAgain: surveys > PATIENT_SURVEYS});
    if (claims === 'claiming') (await collector.leases.holdOff()).release();
    else if (claims === 'changed') {
      Object.assign(run, lookAround(collector, collector.leases.read(), options));
      surveys += 1;
    } else return claims;
  }
}

interface BatchOptions extends GarbageOptions {
  /** Whether to survey the store while the others wait. */
  readonly isLookingAgain: boolean;
}

/**
 * The database is locked first: it may have to be waited for, and nobody who claims something waits for it.
 *
 * @returns why nothing was done: somebody claims something right now, or the survey is no longer true
 */
function tryBatch(collector: Collector, run: Run, options: BatchOptions): Claims | 'claiming' | 'changed' {
  const {database, paths, leases, onIdle} = collector;
  using held = new DisposableStack();
  const claims = database.transaction(() => {
    const gate = leases.tryHoldOff();
    if (!gate) return 'claiming';
    held.use(gate);
    const found = leases.read();
    if (options.isLookingAgain) Object.assign(run, lookAround(collector, found, options));
    return changeGraph(collector, run, found) ? found : 'changed';
  });
  if (typeof claims === 'string' || run.survey.steps.length > 0) return claims;
  const garbage = judgeEntries(run, claims, options);
  if (garbage.length > 0) discardEntries(garbage, join(paths.trash, randomHex(8)));
  run.trash = listTrash(paths);
  leases.sweep();
  if (claims.isEmpty) onIdle?.();
  return claims;
}

/** @returns whether the survey was true, and a step on the way is done */
function changeGraph({database, paths}: Collector, run: Run, claims: Claims): boolean {
  if (readStamp(database) !== run.survey.stamp) return false;
  const [step, ...steps] = run.survey.steps;
  if (step && !step(database, noteClaimed(run.kept, claims))) return false;
  let {layers} = run.survey;
  if (steps.length === 0 && (!run.areRowsDeleted || layers.length > 0)) {
    layers = deleteUnneededRows(database, layers, claims);
    run.areRowsDeleted = true;
  }
  keepLayoutIndex(paths, database);
  run.survey = {...run.survey, steps, layers, stamp: readStamp(database)};
  return true;
}

/** The next entries that are garbage; all of them for a dry run. */
function judgeEntries(run: Run, claims: Claims, options: GarbageOptions): readonly Entry[] {
  const {entries} = run.survey;
  const garbage: Entry[] = [];
  const limit = options.isDryRun ? Number.POSITIVE_INFINITY : BATCH_ENTRIES;
  for (; run.position < entries.length && garbage.length < limit; run.position += 1) {
    const entry = entries[run.position];
    const bytes = entry ? sizeOf(entry) : null;
    if (!entry || bytes === null) continue;
    if (claims.has(entry.owner) || claims.hasLease(entry.owner)) {
      if (entry.kind !== 'lock') run.kept.set(entry.owner, (run.kept.get(entry.owner) ?? 0) + bytes);
    } else if (entry.kind !== 'partial' || options.takesPartials || isForgotten(entry, options.now)) {
      garbage.push(entry);
      run.freedBytes += bytes;
    }
  }
  return garbage;
}

/** Of unfinished downloads that nobody claims. */
function isForgotten({path}: Entry, now = Date.now()): boolean {
  const stats = statOrNull(path);
  return stats !== null && (stats.size === 0 || Math.abs(now - stats.mtimeMs) > PARTIAL_BLOB_MS);
}
