import {randomBytes} from 'node:crypto';
import {type Dirent, existsSync} from 'node:fs';
import {mkdir, readdir, rename, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import type {Database} from './database.ts';
import {keepLayoutIndex} from './layout-index.ts';
import type {StorePaths} from './paths.ts';

const DIGEST_LOCK = /^(?:blob|layer)-/;
const PARTIAL_BLOB = /^blob-/;
/** How long an unfinished download waits for somebody to go on with it. */
const PARTIAL_BLOB_MS = 7 * 24 * 60 * 60 * 1000;

export interface GarbageOptions {
  /** Takes images and tags out of the graph first, in the transaction that looks for what is then needed. */
  readonly remove?: ((database: Database) => void) | undefined;
  /** Whether unfinished downloads go as well, however new they are. */
  readonly takesPartials?: boolean | undefined;
  /** Whether nothing is changed, and only said how much would be freed. */
  readonly isDryRun?: boolean | undefined;
}

/**
 * Removes every blob and layer file that no image needs, and what killed processes left behind; unfinished downloads
 * only when nobody has gone on with them for 7 days.
 *
 * The caller holds the store's lease exclusively, so no pull is under way. Rows go first, then the files: a crash in
 * between leaves files without rows, which the next run removes.
 *
 * @returns bytes freed.
 */
export async function collectGarbage(
  database: Database,
  paths: StorePaths,
  {remove, takesPartials = false, isDryRun = false}: GarbageOptions = {},
): Promise<number> {
  const needed = database.transaction(() => {
    if (isDryRun) database.run('SAVEPOINT dry_run');
    remove?.(database);
    deleteUnneededRows(database);
    const kept = {blobs: neededBlobs(database), layers: neededLayers(database)};
    if (isDryRun) database.run('ROLLBACK TO dry_run');
    else keepLayoutIndex(paths, database);
    return kept;
  });
  const garbage = [
    ...(await unneededEntries(paths.blobs, needed.blobs)),
    ...(await unneededEntries(paths.layers, needed.layers)),
    ...(await leftIngests(paths, takesPartials)),
  ];
  const sizes = await Promise.all(garbage.map(sizeOf));
  if (!isDryRun) await discardAll(garbage, paths);
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** Half-written layers, and unfinished downloads that nobody will go on with. */
async function leftIngests({ingest}: StorePaths, takesPartials: boolean): Promise<readonly string[]> {
  const left: string[] = [];
  for (const {name} of await list(ingest)) {
    const path = join(ingest, name);
    if (takesPartials || !PARTIAL_BLOB.test(name) || (await isForgotten(path))) left.push(path);
  }
  return left;
}

async function discardAll(garbage: readonly string[], {trash, locks}: StorePaths): Promise<void> {
  await mkdir(trash, {recursive: true, mode: 0o700});
  for (const path of garbage) await rename(path, join(trash, randomBytes(8).toString('hex')));
  // Whoever uses a digest's lock holds a lease, so nobody uses one now.
  for (const {name} of await list(locks)) {
    if (DIGEST_LOCK.test(name)) await rm(join(locks, name), {force: true});
  }
  await rm(trash, {recursive: true, force: true});
}

function deleteUnneededRows(database: Database): void {
  database.run('DELETE FROM index_part WHERE index_digest NOT IN (SELECT target_digest FROM tag)');
  database.run('DELETE FROM layer WHERE diff_id NOT IN (SELECT diff_id FROM image_layer JOIN chain USING (chain_id))');
  const unusedChains = `DELETE FROM chain WHERE chain_id NOT IN (SELECT chain_id FROM image_layer)
    AND chain_id NOT IN (SELECT parent FROM chain WHERE parent IS NOT NULL)`;
  while (database.run(unusedChains) > 0);
  database.run('DELETE FROM dropped_blob WHERE digest NOT IN (SELECT blob_digest FROM image_layer)');
}

const neededBlobs = (database: Database): ReadonlySet<unknown> =>
  new Set(
    database
      .all(
        `SELECT blob_digest AS digest FROM image_layer WHERE blob_digest NOT IN (SELECT digest FROM dropped_blob)
         UNION SELECT manifest_digest FROM image
         UNION SELECT config_digest FROM image UNION SELECT target_digest FROM tag
         UNION SELECT digest FROM index_part WHERE kind <> 'image'`,
      )
      .map((row) => row.digest),
  );

const neededLayers = (database: Database): ReadonlySet<unknown> =>
  new Set(database.all('SELECT diff_id FROM layer').map((row) => row.diff_id));

/** Entries `<algorithm>/<hex>` below a directory whose digest is not kept. */
async function unneededEntries(directory: string, keep: ReadonlySet<unknown>): Promise<readonly string[]> {
  const unneeded: string[] = [];
  for (const algorithm of await list(directory)) {
    for (const entry of await list(join(directory, algorithm.name))) {
      const digest: Digest | string = `${algorithm.name}:${entry.name}`;
      if (!isDigest(digest) || !keep.has(digest)) unneeded.push(join(directory, algorithm.name, entry.name));
    }
  }
  return unneeded;
}

async function isForgotten(partialBlob: string): Promise<boolean> {
  const {mtimeMs, size} = await stat(partialBlob);
  return size === 0 || Math.abs(Date.now() - mtimeMs) > PARTIAL_BLOB_MS;
}

async function sizeOf(path: string): Promise<number> {
  const layer = join(path, 'layer.erofs');
  return (await stat(existsSync(layer) ? layer : path)).size;
}

async function list(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, {withFileTypes: true});
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
