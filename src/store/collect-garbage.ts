import {randomBytes} from 'node:crypto';
import {readdirSync} from 'node:fs';
import {rm, rmdir} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {hasErrno} from '../errors.ts';
import type {ProcessFacts} from '../events.ts';
import type {Claims} from './claims.ts';
import type {Database} from './database.ts';
import {discardEntries, type Entry, listEntries, sizeOf, statOrNull} from './garbage-files.ts';
import {keepLayoutIndex} from './layout-index.ts';
import type {Leases} from './leases.ts';
import {deleteUnneededChains, deleteUnneededRows, type Needed, readNeeded} from './needed.ts';
import type {StorePaths} from './paths.ts';

/** How long an unfinished download waits for somebody to go on with it. */
const PARTIAL_BLOB_MS = 7 * 24 * 60 * 60 * 1000;
/** What is taken while claims are held off: some 100 ms. */
const BATCH_ENTRIES = 3000;
/** Longer than anybody waits until the next look at a lock. */
const PAUSE_MS = 120;

export interface GarbageOptions {
  /**
   * Takes images and tags out of the graph first, in the transaction that looks for what is then needed. Images that
   * somebody claims should stay.
   */
  readonly remove?: ((database: Database, isClaimed: (digest: string) => boolean) => void) | undefined;
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
 * Claims are held off only while files are renamed into the trash, for some 100 ms at a time; they are unlinked after
 * that. Rows go first, then the files: a crash in between leaves files without rows, which the next run removes.
 */
export async function collectGarbage(collector: Collector, options: GarbageOptions = {}): Promise<Collection> {
  const run: Run = {entries: listEntries(collector.paths), position: 0, freedBytes: 0, kept: new Map(), trash: []};
  let claims = await collectBatch(collector, run, options);
  while (run.position < run.entries.length) {
    await sleep(PAUSE_MS);
    claims = await collectBatch(collector, run, {...options, remove: undefined});
  }
  if (!options.isDryRun) {
    deleteUnneededChains(collector.database);
    await emptyTrash(collector.paths, run.trash);
  }
  return {
    freedBytes: run.freedBytes,
    keptBytes: [...run.kept.values()].reduce((sum, bytes) => sum + bytes, 0),
    keptFor: claims.holdersOf(new Set(run.kept.keys())),
  };
}

/** One collection on its way through the entries. */
interface Run {
  readonly entries: readonly Entry[];
  position: number;
  freedBytes: number;
  /** Bytes by their owners. */
  readonly kept: Map<string, number>;
  /** Names that were in the trash while nobody could be adding to them. */
  trash: readonly string[];
}

async function collectBatch(collector: Collector, run: Run, options: GarbageOptions): Promise<Claims> {
  for (;;) {
    const claims = tryBatch(collector, run, options);
    if (claims) return claims;
    (await collector.leases.holdOff()).release();
  }
}

/**
 * The database is locked first: it may have to be waited for, and nobody who claims something waits for it.
 *
 * @returns null: somebody claims something right now, and nothing was done
 */
function tryBatch({database, paths, leases, onIdle}: Collector, run: Run, options: GarbageOptions): Claims | null {
  using held = new DisposableStack();
  const found = database.transaction(() => {
    const gate = leases.tryHoldOff();
    if (!gate) return null;
    held.use(gate);
    const claims = leases.read();
    return {claims, needed: changeGraph(database, {paths, claims, run}, options)};
  });
  if (!found) return null;
  const garbage = judgeEntries(run, found, options);
  if (!options.isDryRun) {
    if (garbage.length > 0) discardEntries(garbage, join(paths.trash, randomBytes(8).toString('hex')));
    run.trash = listTrash(paths);
    leases.sweep();
    if (found.claims.isEmpty) onIdle?.();
  }
  return found.claims;
}

interface Surroundings {
  readonly paths: StorePaths;
  readonly claims: Claims;
  readonly run: Run;
}

function changeGraph(database: Database, {paths, claims, run}: Surroundings, options: GarbageOptions): Needed {
  const isClaimed = (digest: string) => {
    if (claims.has(digest) && !run.kept.has(digest)) run.kept.set(digest, 0);
    return claims.has(digest);
  };
  if (options.isDryRun) database.run('SAVEPOINT dry_run');
  options.remove?.(database, isClaimed);
  deleteUnneededRows(database, claims);
  const needed = readNeeded(database);
  if (options.isDryRun) database.run('ROLLBACK TO dry_run');
  else keepLayoutIndex(paths, database);
  return needed;
}

interface Found {
  readonly claims: Claims;
  readonly needed: Needed;
}

/** The next entries that are garbage; all of them for a dry run. */
function judgeEntries(run: Run, {claims, needed}: Found, options: GarbageOptions): readonly Entry[] {
  const garbage: Entry[] = [];
  const limit = options.isDryRun ? Number.POSITIVE_INFINITY : BATCH_ENTRIES;
  for (; run.position < run.entries.length && garbage.length < limit; run.position += 1) {
    const entry = run.entries[run.position];
    if (!entry || isNeeded(entry, needed)) continue;
    const bytes = sizeOf(entry);
    if (bytes === null) continue;
    if (claims.has(entry.owner) || claims.hasLease(entry.owner)) {
      if (entry.kind !== 'lock') run.kept.set(entry.owner, (run.kept.get(entry.owner) ?? 0) + bytes);
    } else if (entry.kind !== 'partial' || options.takesPartials || isForgotten(entry, options.now)) {
      garbage.push(entry);
      run.freedBytes += bytes;
    }
  }
  return garbage;
}

const isNeeded = ({kind, owner}: Entry, {blobs, layers}: Needed): boolean =>
  (kind === 'blob' && blobs.has(owner)) || (kind === 'layer' && layers.has(owner));

/** Of unfinished downloads that nobody claims. */
function isForgotten({path}: Entry, now = Date.now()): boolean {
  const stats = statOrNull(path);
  return stats !== null && (stats.size === 0 || Math.abs(now - stats.mtimeMs) > PARTIAL_BLOB_MS);
}

function listTrash({trash}: StorePaths): readonly string[] {
  try {
    return readdirSync(trash);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Others may be at it too, or be putting more there. */
async function emptyTrash({trash}: StorePaths, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(trash, name), {recursive: true, force: true, maxRetries: 3});
  try {
    await rmdir(trash);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}
