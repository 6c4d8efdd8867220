import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';
import {listUsedFiles} from './usage.ts';

/** A file that the graph says is in the store. */
export interface ExpectedFile {
  readonly kind: 'blob' | 'layer';
  /** Of a layer file the diff id. */
  readonly digest: Digest;
  /** Null: the graph does not say. */
  readonly bytes: number | null;
  /** Of a layer file. */
  readonly tarBytes: number;
  /** Whether it was dropped on purpose, and need not be there. */
  readonly isDropped: boolean;
  /** The manifests of the images that need it. */
  readonly users: readonly Digest[];
}

const BLOBS = `
  SELECT digest, max(bytes) AS bytes, digest IN (SELECT digest FROM dropped_blob) AS is_dropped FROM (
    SELECT blob_digest AS digest, blob_bytes AS bytes FROM image_layer
    UNION SELECT manifest_digest, manifest_bytes FROM image UNION SELECT config_digest, config_bytes FROM image
    UNION SELECT target_digest, NULL FROM tag UNION SELECT digest, NULL FROM index_part WHERE kind <> 'image'
  ) GROUP BY digest`;

/** Every file that must be there for the graph to be true. */
export function listExpectedFiles(database: Database): readonly ExpectedFile[] {
  const used = Map.groupBy(listUsedFiles(database), ({kind, digest}) => `${kind} ${digest}`);
  const usersOf = (kind: ExpectedFile['kind'], digest: Digest) =>
    (used.get(`${kind} ${digest}`) ?? []).map(({manifestDigest}) => manifestDigest);
  const blobs = database.all(BLOBS).map((row): ExpectedFile => {
    const digest = row.digest as Digest;
    const bytes = row.bytes === null ? null : Number(row.bytes);
    const isDropped = row.is_dropped === 1;
    return {kind: 'blob', digest, bytes, tarBytes: 0, isDropped, users: usersOf('blob', digest)};
  });
  const layers = database.all('SELECT diff_id, tar_bytes, file_bytes FROM layer').map((row): ExpectedFile => {
    const digest = row.diff_id as Digest;
    const [bytes, tarBytes] = [Number(row.file_bytes), Number(row.tar_bytes)];
    return {kind: 'layer', digest, bytes, tarBytes, isDropped: false, users: usersOf('layer', digest)};
  });
  return [...blobs, ...layers];
}

/** A contradiction within the database. */
export interface DatabaseFault {
  /** `DATABASE_DAMAGED`: its pages; `DATABASE_ROWS`: what they say. */
  readonly code: 'DATABASE_DAMAGED' | 'DATABASE_ROWS';
  readonly detail: string;
}

/** What a tag names is what the last event of its history says. */
const TAGS_WITHOUT_EVENT = `
  SELECT tag.reference FROM tag LEFT JOIN tag_event AS event
    ON event.reference = tag.reference
    AND event.number = (SELECT max(number) FROM tag_event WHERE reference = tag.reference)
  WHERE event.target_digest IS NOT tag.target_digest OR event.manifest_digest IS NOT tag.manifest_digest`;
const EVENTS_WITHOUT_TAG = `
  SELECT event.reference FROM tag_event AS event
  WHERE event.number = (SELECT max(number) FROM tag_event WHERE reference = event.reference)
    AND event.target_digest IS NOT NULL AND event.reference NOT IN (SELECT reference FROM tag)`;
/** What is wrong with the database: its pages as SQLite finds them, one by one, and rows that contradict others. */
export function findDatabaseFaults(database: Database): readonly DatabaseFault[] {
  const pages = database.all('PRAGMA integrity_check').map((row) => String(row.integrity_check));
  const damages = pages.filter((line) => line !== 'ok').map((detail) => ({code: 'DATABASE_DAMAGED', detail}) as const);
  if (damages.length > 0) return damages;
  const strays = database.all('PRAGMA foreign_key_check').map((row) => `a row of ${row.table} refers to none`);
  const tags = database.all(`${TAGS_WITHOUT_EVENT} UNION ${EVENTS_WITHOUT_TAG}`);
  const moved = tags.map((row) => `the tag ${row.reference} and its history name different images`);
  return [...strays, ...moved].map((detail) => ({code: 'DATABASE_ROWS', detail}));
}
