import type {Claims} from './claims.ts';
import type {Database} from './database.ts';

/** What the graph needs of the files in the store. */
export interface Needed {
  readonly blobs: ReadonlySet<unknown>;
  /** By diff id. */
  readonly layers: ReadonlySet<unknown>;
}

/** @param database A transaction of the caller's. */
export const readNeeded = (database: Database): Needed => ({
  blobs: digestsOf(
    database,
    `SELECT blob_digest AS digest FROM image_layer WHERE blob_digest NOT IN (SELECT digest FROM dropped_blob)
     UNION SELECT manifest_digest FROM image
     UNION SELECT config_digest FROM image UNION SELECT target_digest FROM tag
     UNION SELECT digest FROM index_part WHERE kind <> 'image'`,
  ),
  layers: digestsOf(database, 'SELECT diff_id AS digest FROM image_layer JOIN chain USING (chain_id)'),
});

/** Takes out of the graph what no image needs, but the layer files on which somebody counts. */
export function deleteUnneededRows(database: Database, claims: Pick<Claims, 'has'>): void {
  database.run('DELETE FROM index_part WHERE index_digest NOT IN (SELECT target_digest FROM tag)');
  const unneeded = digestsOf(
    database,
    `SELECT diff_id AS digest FROM layer
     WHERE diff_id NOT IN (SELECT diff_id FROM image_layer JOIN chain USING (chain_id))`,
  );
  for (const diffId of unneeded) {
    if (!claims.has(diffId)) database.run('DELETE FROM layer WHERE diff_id = ?', diffId);
  }
  database.run('DELETE FROM dropped_blob WHERE digest NOT IN (SELECT blob_digest FROM image_layer)');
}

const UNNEEDED_CHAINS = `
  chain WHERE chain_id NOT IN (
    WITH RECURSIVE needed (chain_id) AS (
      SELECT chain_id FROM image_layer
      UNION SELECT parent FROM chain JOIN needed USING (chain_id) WHERE parent IS NOT NULL
    )
    SELECT chain_id FROM needed
  )`;

/** Takes the chains out of the graph that lead to no image. A transaction of its own, while none is open. */
export function deleteUnneededChains(database: Database): void {
  if (database.get(`SELECT 1 FROM ${UNNEEDED_CHAINS} LIMIT 1`) === undefined) return;
  // For each row that goes SQLite would look through all others for one that has it as its parent: 20 s for 20 000.
  database.run('PRAGMA foreign_keys = OFF');
  try {
    database.transaction(() => database.run(`DELETE FROM ${UNNEEDED_CHAINS}`));
  } finally {
    database.run('PRAGMA foreign_keys = ON');
  }
}

const digestsOf = (database: Database, sql: string): ReadonlySet<string> =>
  new Set(database.all(sql).map((row) => String(row.digest)));
