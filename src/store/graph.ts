import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';
import {readShares} from './shares.ts';

/**
 * The graph of ancestry: an image descends from another when its chain of layers starts with the other's whole chain
 * and goes on. Images of one and the same chain are siblings.
 */
export interface DescentRow {
  readonly manifestDigest: Digest;
  /** The image with the longest such chain, the oldest of siblings; null for a root. */
  readonly parent: Digest | null;
}

export interface AncestryRow extends DescentRow {
  /** Bytes on disk (blobs and layer files) that another image uses as well; a layer that comes twice counts once. */
  readonly sharedBytes: number;
  /** Bytes on disk that only this image needs. */
  readonly uniqueBytes: number;
}

const DESCENT = `
  WITH RECURSIVE
  ancestor (manifest_digest, chain_id) AS (
    SELECT manifest_digest, chain.parent FROM image JOIN chain USING (chain_id) WHERE chain.parent IS NOT NULL
    UNION ALL
    SELECT manifest_digest, chain.parent FROM ancestor JOIN chain USING (chain_id)
    WHERE chain.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM image WHERE image.chain_id = ancestor.chain_id)
  ),
  eldest AS (
    SELECT chain_id, manifest_digest AS parent,
      row_number() OVER (PARTITION BY chain_id ORDER BY stored_at, manifest_digest) AS rank
    FROM image
  ),
  descent AS (SELECT manifest_digest, parent FROM ancestor JOIN eldest USING (chain_id) WHERE rank = 1)
  SELECT image.manifest_digest, descent.parent FROM image LEFT JOIN descent USING (manifest_digest)
  ORDER BY image.stored_at, image.manifest_digest`;

/** Every image with its parent, oldest first. */
export const readDescent = (database: Database): readonly DescentRow[] =>
  database.all(DESCENT).map((row) => ({
    manifestDigest: row.manifest_digest as Digest,
    parent: row.parent === null ? null : (row.parent as Digest),
  }));

/** Every image with its parent and its share of the disk, oldest first. */
export function readAncestry(database: Database): readonly AncestryRow[] {
  const shares = readShares(database);
  return readDescent(database).map((row) => ({
    ...row,
    ...(shares.get(row.manifestDigest) ?? {sharedBytes: 0, uniqueBytes: 0}),
  }));
}
