import type {Digest} from '../oci/digest.ts';
import type {Database, Row} from './database.ts';

/**
 * The graph of ancestry: an image descends from another when its chain of layers starts with the other's whole chain
 * and goes on. Images of one and the same chain are siblings.
 */
export interface AncestryRow {
  readonly manifestDigest: Digest;
  /** The image with the longest such chain, the oldest of siblings; null for a root. */
  readonly parent: Digest | null;
  /** Bytes on disk (blobs and layer files) that another image uses as well; a layer that comes twice counts once. */
  readonly sharedBytes: number;
  /** Bytes on disk that only this image needs. */
  readonly uniqueBytes: number;
}

/** An uncompressed layer's blob and its layer file have one digest, hence the kinds in the names of parts. */
const ANCESTRY = `
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
  descent AS (SELECT manifest_digest, parent FROM ancestor JOIN eldest USING (chain_id) WHERE rank = 1),
  part AS (
    SELECT DISTINCT manifest_digest, 'blob ' || blob_digest AS name, blob_bytes AS bytes FROM image_layer
    UNION ALL
    SELECT DISTINCT manifest_digest, 'file ' || diff_id, file_bytes
    FROM image_layer JOIN chain USING (chain_id) JOIN layer USING (diff_id)
    UNION ALL
    SELECT manifest_digest, 'blob ' || config_digest, config_bytes FROM image
    UNION ALL
    SELECT manifest_digest, 'blob ' || manifest_digest, manifest_bytes FROM image
  ),
  counted AS (SELECT manifest_digest, bytes, count(*) OVER (PARTITION BY name) AS users FROM part),
  share AS (
    SELECT manifest_digest, sum(iif(users > 1, bytes, 0)) AS shared_bytes, sum(iif(users = 1, bytes, 0)) AS unique_bytes
    FROM counted GROUP BY manifest_digest
  )
  SELECT image.manifest_digest, descent.parent, share.shared_bytes, share.unique_bytes
  FROM image JOIN share USING (manifest_digest) LEFT JOIN descent USING (manifest_digest)
  ORDER BY image.stored_at, image.manifest_digest`;

/** Every image with its parent and its share of the disk, oldest first. */
export const readAncestry = (database: Database): readonly AncestryRow[] => database.all(ANCESTRY).map(ancestryRow);

const ancestryRow = (row: Row): AncestryRow => ({
  manifestDigest: row.manifest_digest as Digest,
  parent: row.parent === null ? null : (row.parent as Digest),
  sharedBytes: Number(row.shared_bytes),
  uniqueBytes: Number(row.unique_bytes),
});
