import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';

/** From one image to what it needs: joined the other way round, SQLite reads all of the graph. */
const DIGESTS = `
  WITH
  root (digest) AS (
    SELECT ?1 UNION SELECT target_digest FROM tag WHERE manifest_digest = ?1
    UNION SELECT index_digest FROM index_part WHERE digest = ?1
  ),
  part (digest, kind) AS (
    SELECT index_part.digest, kind FROM root CROSS JOIN index_part ON index_digest = root.digest
  ),
  member (digest) AS (SELECT ?1 UNION SELECT digest FROM part WHERE kind = 'image')
  SELECT digest FROM root UNION SELECT digest FROM part
  UNION SELECT config_digest FROM member CROSS JOIN image ON manifest_digest = member.digest
  UNION SELECT blob_digest FROM member CROSS JOIN image_layer ON manifest_digest = member.digest
  UNION SELECT diff_id FROM member CROSS JOIN image_layer ON manifest_digest = member.digest
    CROSS JOIN chain USING (chain_id)
  ORDER BY 1`;

/** The blobs and diff ids of an image, and of everything that is stored beside it from the same indexes. */
export const digestsOfImage = (database: Database, manifestDigest: Digest): readonly Digest[] =>
  database.all(DIGESTS, manifestDigest).map((row) => row.digest as Digest);
