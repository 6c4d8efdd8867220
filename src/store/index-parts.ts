import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';
import {findImage, type ImageRecord} from './image-records.ts';

/** Something that the store keeps because of an index: a recorded image, a nested index, or a blob of what is no image. */
export interface IndexPart {
  readonly digest: Digest;
  readonly kind: 'image' | 'index' | 'blob';
}

/** Records what was stored of an index; it stays while a tag names the index. Idempotent. */
export function recordIndexParts(database: Database, indexDigest: Digest, parts: readonly IndexPart[]): void {
  for (const {digest, kind} of parts) {
    database.run(
      'INSERT OR IGNORE INTO index_part (index_digest, digest, kind) VALUES (?, ?, ?)',
      ...[indexDigest, digest, kind],
    );
  }
}

/** The images that were stored from an index, oldest first. */
export const imagesOfIndex = (database: Database, indexDigest: Digest): readonly ImageRecord[] =>
  database
    .all(
      `SELECT digest FROM index_part JOIN image ON manifest_digest = digest
       WHERE index_digest = ? AND kind = 'image' ORDER BY stored_at, digest`,
      indexDigest,
    )
    .flatMap((row) => findImage(database, row.digest as Digest) ?? []);

/** {@link imagesOfIndex} of every index at once, by manifest digest; indexes without images are absent. */
export function listImagesByIndex(database: Database): ReadonlyMap<Digest, readonly Digest[]> {
  const rows = database.tuples(
    `SELECT index_digest, digest FROM index_part JOIN image ON manifest_digest = digest
     WHERE kind = 'image' ORDER BY stored_at, digest`,
  );
  const groups = Map.groupBy(rows, ([indexDigest]) => indexDigest as Digest);
  return new Map([...groups].map(([index, members]) => [index, members.map(([, digest]) => digest as Digest)]));
}
