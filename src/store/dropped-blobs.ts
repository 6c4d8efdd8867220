import type {Digest} from '../oci/digest.ts';
import type {BlobDescriptor} from './blobs.ts';
import type {Database, Row} from './database.ts';

/** A layer with the compressed copy of it that the store may do without. */
export interface UnpackedBlob extends BlobDescriptor {
  readonly diffId: Digest;
  /** Of the layer file. */
  readonly fileBytes: number;
  /** The manifests of the images that have it. */
  readonly users: ReadonlySet<Digest>;
}

/** Whether a blob was dropped on purpose; its file may be there all the same, until garbage is collected. */
export const isDropped = (database: Database, digest: Digest): boolean =>
  database.get('SELECT 1 FROM dropped_blob WHERE digest = ?', digest) !== undefined;

/** Every blob that was dropped. */
export const listDropped = (database: Database): readonly BlobDescriptor[] =>
  database.all('SELECT digest, bytes FROM dropped_blob ORDER BY digest').map(blob);

/** Every blob that is kept beside a recorded layer file. */
export function listUnpacked(database: Database): readonly UnpackedBlob[] {
  const found = new Map<unknown, UnpackedBlob & {readonly users: Set<Digest>}>();
  for (const [digest, bytes, diffId, fileBytes, user] of database.tuples(UNPACKED)) {
    const known = found.get(digest);
    if (known) known.users.add(user as Digest);
    else {
      const blob = {digest: digest as Digest, size: Number(bytes), diffId: diffId as Digest};
      found.set(digest, {...blob, fileBytes: Number(fileBytes), users: new Set([user as Digest])});
    }
  }
  return [...found.values()];
}

const UNPACKED = `
  SELECT blob_digest, blob_bytes, diff_id, file_bytes, manifest_digest
  FROM image_layer JOIN chain USING (chain_id) JOIN layer USING (diff_id)
  WHERE blob_digest NOT IN (SELECT digest FROM dropped_blob)
    AND blob_digest NOT IN (SELECT digest FROM index_part WHERE kind = 'blob')`;

/** Gives blobs up to the next garbage collection, in this transaction: their files go after it. */
export function dropBlobs(database: Database, blobs: readonly BlobDescriptor[], droppedAt: number): void {
  for (const {digest, size} of blobs) {
    database.run('INSERT OR REPLACE INTO dropped_blob VALUES (?, ?, ?)', digest, size, droppedAt);
  }
}

/** Keeps a blob from now on, whose file is there again. */
export const keepBlob = (database: Database, digest: Digest): void =>
  void database.run('DELETE FROM dropped_blob WHERE digest = ?', digest);

const blob = (row: Row): BlobDescriptor => ({digest: row.digest as Digest, size: Number(row.bytes)});
