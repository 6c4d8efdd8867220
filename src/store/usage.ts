import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';

const TOTAL = `
  WITH blob (digest, bytes) AS (
    SELECT blob_digest, blob_bytes FROM image_layer UNION SELECT config_digest, config_bytes FROM image
    UNION SELECT manifest_digest, manifest_bytes FROM image
  )
  SELECT coalesce((SELECT sum(bytes) FROM blob WHERE digest NOT IN (SELECT digest FROM dropped_blob)), 0) + coalesce((SELECT sum(file_bytes) FROM layer), 0) AS bytes`;

/** Bytes on disk of every blob and layer file that the graph knows. */
export const readUsage = (database: Database): number => Number(database.get(TOTAL)?.bytes ?? 0);

/** A file of the store that an image needs. */
export interface UsedFile {
  readonly manifestDigest: Digest;
  readonly kind: 'blob' | 'layer';
  /** Of a layer file the diff id. */
  readonly digest: Digest;
}

const USED_FILES = `
  SELECT manifest_digest, 'blob' AS kind, blob_digest AS digest FROM image_layer
  UNION SELECT manifest_digest, 'layer', diff_id FROM image_layer JOIN chain USING (chain_id)
  UNION SELECT manifest_digest, 'blob', manifest_digest FROM image
  UNION SELECT manifest_digest, 'blob', config_digest FROM image
  UNION SELECT manifest_digest, 'blob', target_digest FROM tag
  UNION SELECT member.digest, 'blob', target_digest FROM tag
    JOIN index_part AS member ON member.index_digest = target_digest AND member.kind = 'image'
  UNION SELECT member.digest, 'blob', part.digest FROM tag
    JOIN index_part AS member ON member.index_digest = target_digest AND member.kind = 'image'
    JOIN index_part AS part ON part.index_digest = target_digest AND part.kind <> 'image'`;

/** Every file that each image needs, once; those of an index belong to every image that was stored from it. */
export const listUsedFiles = (database: Database): readonly UsedFile[] =>
  database.all(USED_FILES).map((row) => ({
    manifestDigest: row.manifest_digest as Digest,
    kind: row.kind as UsedFile['kind'],
    digest: row.digest as Digest,
  }));
