import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';

/** What a digest is to an image; an index part came with it in its index, such as an attestation. */
export type DigestRole = 'index' | 'index-part' | 'manifest' | 'config' | 'layer' | 'diff-id' | 'chain-id';

export interface DigestUse {
  readonly manifestDigest: Digest;
  /** Of the layer, base first from 0; null for what is no layer. */
  readonly position: number | null;
  readonly digest: Digest;
  readonly role: DigestRole;
}

/** The digests that an image holds, in the order in which {@link DigestRole} names them. */
const USES = `
  SELECT digest AS manifest_digest, NULL AS position, index_digest AS digest, 'index' AS role, 1 AS rank
  FROM index_part JOIN image ON manifest_digest = digest WHERE kind = 'image' AND index_digest BETWEEN ?1 AND ?2
  UNION ALL
  SELECT member.digest, NULL, part.digest, 'index-part', 1
  FROM index_part AS part JOIN index_part AS member USING (index_digest)
  WHERE part.kind <> 'image' AND member.kind = 'image' AND part.digest BETWEEN ?1 AND ?2
    AND member.digest IN (SELECT manifest_digest FROM image)
  UNION ALL
  SELECT manifest_digest, NULL, manifest_digest, 'manifest', 2 FROM image WHERE manifest_digest BETWEEN ?1 AND ?2
  UNION ALL
  SELECT manifest_digest, NULL, config_digest, 'config', 3 FROM image WHERE config_digest BETWEEN ?1 AND ?2
  UNION ALL
  SELECT manifest_digest, position, blob_digest, 'layer', 4 FROM image_layer WHERE blob_digest BETWEEN ?1 AND ?2
  UNION ALL
  SELECT manifest_digest, position, diff_id, 'diff-id', 5 FROM chain JOIN image_layer USING (chain_id)
  WHERE diff_id BETWEEN ?1 AND ?2
  UNION ALL
  SELECT manifest_digest, position, chain_id, 'chain-id', 6 FROM image_layer WHERE chain_id BETWEEN ?1 AND ?2
  ORDER BY manifest_digest, position, rank`;

/** Sorts behind every hexadecimal digit: unlike a pattern, a range is looked up in an index. */
const AFTER_DIGITS = 'g';

/** The images that have a digest, and as what. @param prefix A digest or its beginning: `sha256:` and hex digits. */
export const findDigestUses = (database: Database, prefix: string): readonly DigestUse[] =>
  database.all(USES, prefix, `${prefix}${AFTER_DIGITS}`).map((row) => ({
    manifestDigest: row.manifest_digest as Digest,
    position: row.position === null ? null : Number(row.position),
    digest: row.digest as Digest,
    role: row.role as DigestRole,
  }));
