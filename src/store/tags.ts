import type {Digest} from '../oci/digest.ts';
import type {Database, Row} from './database.ts';
import {recordTagEvent} from './tag-events.ts';

/** A name for an image: `registry/repository:tag`, or `registry/repository@digest` when pulled by digest alone. */
export interface TagRecord {
  readonly reference: string;
  /** What the registry's tag names: an index or a manifest. */
  readonly targetDigest: Digest;
  /** The image that was chosen from it. */
  readonly manifestDigest: Digest;
}

/** Sets a tag; the image it names must be recorded (a foreign key holds that). Returns whether it changed. */
export function setTag(database: Database, tag: TagRecord, updatedAt: number): boolean {
  const before = findTag(database, tag.reference);
  database.run(
    `INSERT INTO tag (reference, target_digest, manifest_digest, updated_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (reference) DO UPDATE SET target_digest = excluded.target_digest,
       manifest_digest = excluded.manifest_digest, updated_at = excluded.updated_at`,
    ...[tag.reference, tag.targetDigest, tag.manifestDigest, updatedAt],
  );
  const isChanged = before?.targetDigest !== tag.targetDigest || before.manifestDigest !== tag.manifestDigest;
  if (isChanged) recordTagEvent(database, tag.reference, {...tag, happenedAt: updatedAt});
  return isChanged;
}

export function findTag(database: Database, reference: string): TagRecord | null {
  const row = database.get('SELECT * FROM tag WHERE reference = ?', reference);
  return row ? tagRecord(row) : null;
}

/** Every tag by name. */
export const listTags = (database: Database): readonly TagRecord[] =>
  database.all('SELECT * FROM tag ORDER BY reference').map(tagRecord);

/** The tags that lead to an image: those that chose it, and those that name an index from which it was stored. */
export const tagsOf = (database: Database, manifestDigest: Digest): readonly TagRecord[] =>
  database
    .all(
      `SELECT * FROM tag WHERE manifest_digest = ? OR target_digest IN
         (SELECT index_digest FROM index_part WHERE digest = ? AND kind = 'image') ORDER BY reference`,
      ...[manifestDigest, manifestDigest],
    )
    .map(tagRecord);

/** {@link tagsOf} every image at once; images without a tag are absent. */
export function listTagsByImage(database: Database): ReadonlyMap<Digest, readonly TagRecord[]> {
  const byImage = new Map<Digest, TagRecord[]>();
  for (const [image, reference, targetDigest, manifestDigest] of database.tuples(TAGS_BY_IMAGE)) {
    const tag = {reference, targetDigest, manifestDigest} as TagRecord;
    const tags = byImage.get(image as Digest);
    if (tags) tags.push(tag);
    else byImage.set(image as Digest, [tag]);
  }
  return byImage;
}

const TAGS_BY_IMAGE = `
  SELECT manifest_digest AS image, reference, target_digest, manifest_digest FROM tag
  UNION SELECT digest, reference, target_digest, manifest_digest FROM tag
    JOIN index_part ON index_digest = target_digest WHERE kind = 'image'
  ORDER BY reference`;

/** Removes a tag; what it named stays known. Whether there was such a tag. */
export function deleteTag(database: Database, reference: string, deletedAt: number): boolean {
  const isDeleted = database.run('DELETE FROM tag WHERE reference = ?', reference) > 0;
  if (isDeleted) {
    recordTagEvent(database, reference, {targetDigest: null, manifestDigest: null, happenedAt: deletedAt});
  }
  return isDeleted;
}

const tagRecord = (row: Row): TagRecord => ({
  reference: String(row.reference),
  targetDigest: row.target_digest as Digest,
  manifestDigest: row.manifest_digest as Digest,
});
