import type {Claims} from './claims.ts';
import type {Database} from './database.ts';

/** What the graph needs of the files in the store. */
export interface Needed {
  readonly blobs: ReadonlySet<unknown>;
  /** By diff id. */
  readonly layers: ReadonlySet<unknown>;
  /** Those of whole images. */
  readonly chains: ReadonlySet<unknown>;
}

/** What is about to be taken out of the graph. */
export interface Leaving {
  /** Manifest digests; the tags that chose one of these images go as well. */
  readonly images: ReadonlySet<string>;
  /** Compressed copies of layers that are given up. */
  readonly blobs: ReadonlySet<string>;
}

export const NOTHING_LEAVES: Leaving = Object.freeze({images: new Set<string>(), blobs: new Set<string>()});

const LEAVING = '(SELECT value FROM json_each(?1))';
const TARGETS = `SELECT target_digest FROM tag WHERE manifest_digest NOT IN ${LEAVING}`;
const BLOBS = `
  SELECT blob_digest FROM image_layer WHERE manifest_digest NOT IN ${LEAVING}
    AND blob_digest NOT IN (SELECT digest FROM dropped_blob) AND blob_digest NOT IN (SELECT value FROM json_each(?2))
  UNION ALL SELECT manifest_digest FROM image WHERE manifest_digest NOT IN ${LEAVING}
  UNION ALL SELECT config_digest FROM image WHERE manifest_digest NOT IN ${LEAVING}
  UNION ALL ${TARGETS}
  UNION ALL SELECT digest FROM index_part WHERE kind <> 'image' AND index_digest IN (${TARGETS})`;
const LAYERS = `
  SELECT diff_id FROM chain WHERE chain_id IN (
    SELECT chain_id FROM image_layer WHERE manifest_digest NOT IN ${LEAVING})`;

const CHAINS = `SELECT chain_id FROM image WHERE chain_id IS NOT NULL AND manifest_digest NOT IN ${LEAVING}`;

/** What is needed once something has left. */
export const readNeeded = (database: Database, {images, blobs}: Leaving = NOTHING_LEAVES): Needed => ({
  blobs: firstColumn(database, BLOBS, [...images], [...blobs]),
  layers: firstColumn(database, LAYERS, [...images]),
  chains: firstColumn(database, CHAINS, [...images]),
});

/** The recorded layer files that nothing needs, by diff id. */
export const listUnneededLayers = (database: Database, {layers}: Needed): readonly string[] =>
  [...firstColumn(database, 'SELECT diff_id FROM layer')].filter((diffId) => !layers.has(diffId));

/**
 * Takes out of the graph what no image needs, but the layer files on which somebody counts.
 *
 * @returns the layers that stay for that
 */
export function deleteUnneededRows(
  database: Database,
  layers: readonly string[],
  claims: Pick<Claims, 'has'>,
): readonly string[] {
  const {going = [], staying = []} = Object.groupBy(layers, (diffId) => (claims.has(diffId) ? 'staying' : 'going'));
  database.run('DELETE FROM index_part WHERE index_digest NOT IN (SELECT target_digest FROM tag)');
  database.run('DELETE FROM layer WHERE diff_id IN (SELECT value FROM json_each(?))', JSON.stringify(going));
  database.run('DELETE FROM dropped_blob WHERE digest NOT IN (SELECT blob_digest FROM image_layer)');
  return staying;
}

const UNUSED_CHAINS = 'SELECT chain_id FROM chain WHERE chain_id NOT IN (SELECT chain_id FROM image_layer)';
/** Of some chains those on which others are built. */
const PARENTS = `
  SELECT parent FROM chain WHERE parent IN (SELECT value FROM json_each(?1))
    AND chain_id NOT IN (SELECT value FROM json_each(?1))`;

/** Takes the chains out of the graph that lead to no image. A transaction of its own, while none is open. */
export function deleteUnneededChains(database: Database): void {
  if (database.get(`${UNUSED_CHAINS} LIMIT 1`) === undefined) return;
  // For each row that goes SQLite would look through all others for one that has it as its parent: 20 s for 20 000.
  database.run('PRAGMA foreign_keys = OFF');
  try {
    database.transaction(() => {
      const unneeded = JSON.stringify(listUnneededChains(database));
      database.run('DELETE FROM chain WHERE chain_id IN (SELECT value FROM json_each(?))', unneeded);
    });
  } finally {
    database.run('PRAGMA foreign_keys = ON');
  }
}

function listUnneededChains(database: Database): readonly string[] {
  let unneeded = firstColumn(database, UNUSED_CHAINS);
  for (;;) {
    const parents = firstColumn(database, PARENTS, [...unneeded]);
    if (parents.size === 0) return [...unneeded];
    unneeded = new Set([...unneeded].filter((chainId) => !parents.has(chainId)));
  }
}

const firstColumn = (
  database: Database,
  sql: string,
  ...lists: readonly (readonly string[])[]
): ReadonlySet<string> => {
  const rows = database.tuples(sql, ...lists.map((list) => JSON.stringify(list)));
  return new Set(rows.map(([value]) => String(value)));
};
