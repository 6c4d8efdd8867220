import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';

export interface Share {
  readonly sharedBytes: number;
  readonly uniqueBytes: number;
}

/** What each image shares with others and has alone, in bytes on disk. */
export function readShares(database: Database): ReadonlyMap<Digest, Share> {
  const sums = new Map(database.tuples(ALL_BYTES).map(([image, bytes]) => [image as Digest, startSum(Number(bytes))]));
  for (const [images, bytes] of [...database.tuples(REPEATED_BLOBS), ...database.tuples(REPEATED_LAYERS)]) {
    const places = String(images).split(' ') as Digest[];
    divide(
      places.flatMap((image) => sums.get(image) ?? []),
      Number(bytes),
    );
  }
  return sums;
}

/** The files of each image, as if it shared none and had none twice. Blobs are looked at where some were dropped. */
const ALL_BYTES = `
  SELECT manifest_digest, manifest_bytes + config_bytes + coalesce(blob_bytes + file_bytes, 0) - coalesce((
    SELECT sum(blob_bytes) FROM image_layer WHERE EXISTS (SELECT 1 FROM dropped_blob)
      AND image_layer.manifest_digest = image.manifest_digest AND blob_digest IN (SELECT digest FROM dropped_blob)
  ), 0) FROM image LEFT JOIN image_size USING (manifest_digest)`;

/**
 * Blobs that have several places, by who uses them: one row for all blobs of the same images. An index has the places
 * of each in a row, so that nothing is sorted; blobs that are documents too are few, and are looked for everywhere.
 */
const REPEATED_BLOBS = `
  WITH mixed AS (
    SELECT digest FROM (
      SELECT config_digest AS digest FROM image UNION ALL SELECT manifest_digest FROM image ORDER BY 1
    ) GROUP BY digest HAVING count(*) > 1 OR digest IN (SELECT blob_digest FROM image_layer)
  ),
  place (digest, bytes, manifest_digest) AS (
    SELECT blob_digest, blob_bytes, manifest_digest FROM image_layer WHERE blob_digest IN mixed
    UNION ALL SELECT config_digest, config_bytes, manifest_digest FROM image WHERE config_digest IN mixed
    UNION ALL SELECT manifest_digest, manifest_bytes, manifest_digest FROM image WHERE manifest_digest IN mixed
  ),
  used (digest, bytes, images) AS (
    SELECT blob_digest, max(blob_bytes), group_concat(manifest_digest, ' ') FROM image_layer
    GROUP BY blob_digest HAVING count(*) > 1 AND blob_digest NOT IN mixed
    UNION ALL SELECT digest, max(bytes), group_concat(manifest_digest, ' ') FROM place GROUP BY digest
  )
  SELECT images, sum(bytes) FROM used WHERE digest NOT IN (SELECT digest FROM dropped_blob) GROUP BY images`;

/** Layer files that have several places, by who uses them: those of chains of several images, and of several chains. */
const REPEATED_LAYERS = `
  WITH scattered AS (SELECT diff_id FROM chain GROUP BY diff_id HAVING count(*) > 1),
  used (diff_id, images) AS (
    SELECT diff_id, images FROM (
      SELECT chain_id, group_concat(manifest_digest, ' ') AS images FROM image_layer
      GROUP BY chain_id HAVING count(*) > 1
    ) CROSS JOIN chain USING (chain_id) WHERE diff_id NOT IN (SELECT diff_id FROM scattered)
    UNION ALL SELECT diff_id, group_concat(manifest_digest, ' ')
    FROM scattered CROSS JOIN chain USING (diff_id) CROSS JOIN image_layer USING (chain_id) GROUP BY diff_id
  )
  SELECT images, sum(file_bytes) FROM used CROSS JOIN layer USING (diff_id) GROUP BY images`;

type Sum = {-readonly [Key in keyof Share]: Share[Key]};

const startSum = (uniqueBytes: number): Sum => ({sharedBytes: 0, uniqueBytes});

/** @param places The sums of the images that have the files, each as often as it has them. */
function divide(places: readonly Sum[], bytes: number): void {
  for (const sum of places) sum.uniqueBytes -= bytes;
  const images = new Set(places);
  for (const sum of images) sum[images.size > 1 ? 'sharedBytes' : 'uniqueBytes'] += bytes;
}
