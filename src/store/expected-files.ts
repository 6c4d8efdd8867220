import type {Digest} from '../oci/digest.ts';
import type {Database} from './database.ts';
import {listWrongSizes} from './image-sizes.ts';
import {MIGRATIONS} from './schema.ts';
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
  /** Whether it is a manifest, a config or an index, and no layer. */
  readonly isDocument: boolean;
  /** Whether it was dropped on purpose, and need not be there. */
  readonly isDropped: boolean;
}

/** An expected file with the manifests of the images that need it. */
export interface NeededFile extends ExpectedFile {
  readonly users: readonly Digest[];
}

const BLOBS = `
  SELECT digest, max(bytes) AS bytes, max(is_document) AS is_document,
    digest IN (SELECT digest FROM dropped_blob) AS is_dropped
  FROM (
    SELECT blob_digest AS digest, blob_bytes AS bytes, 0 AS is_document FROM image_layer
    UNION SELECT manifest_digest, manifest_bytes, 1 FROM image UNION SELECT config_digest, config_bytes, 1 FROM image
    UNION SELECT target_digest, NULL, 1 FROM tag UNION SELECT digest, NULL, 0 FROM index_part WHERE kind <> 'image'
  ) GROUP BY digest`;

/** Every file that must be there for the graph to be true. */
export function listExpectedFiles(database: Database): readonly ExpectedFile[] {
  const blobs = database.all(BLOBS).map((row): ExpectedFile => {
    const bytes = row.bytes === null ? null : Number(row.bytes);
    const flags = {isDocument: row.is_document === 1, isDropped: row.is_dropped === 1};
    return {kind: 'blob', digest: row.digest as Digest, bytes, tarBytes: 0, ...flags};
  });
  const layers = database.all('SELECT diff_id, tar_bytes, file_bytes FROM layer').map((row): ExpectedFile => {
    const [bytes, tarBytes] = [Number(row.file_bytes), Number(row.tar_bytes)];
    return {kind: 'layer', digest: row.diff_id as Digest, bytes, tarBytes, isDocument: false, isDropped: false};
  });
  return [...blobs, ...layers];
}

/** The manifests of the images that need a file, by `keyOfFile`. */
export function listUsers(database: Database): ReadonlyMap<string, readonly Digest[]> {
  const used = Map.groupBy(listUsedFiles(database), keyOfFile);
  return new Map([...used].map(([key, uses]) => [key, uses.map(({manifestDigest}) => manifestDigest)]));
}

export const keyOfFile = ({kind, digest}: Pick<ExpectedFile, 'kind' | 'digest'>): string => `${kind} ${digest}`;

/** A contradiction within the database. */
export interface DatabaseFault {
  /** `DATABASE_DAMAGED`: its pages; `DATABASE_ROWS`: what they say. */
  readonly code: 'DATABASE_DAMAGED' | 'DATABASE_ROWS';
  readonly detail: string;
}

const CREATION = /^ *CREATE (?:TABLE|INDEX) /gm;
const REMOVAL = /^ *DROP (?:TABLE|INDEX) /gm;

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
  if (!hasSchema(database)) return [{code: 'DATABASE_DAMAGED', detail: 'its schema is not the one of its version'}];
  const pages = database.all('PRAGMA integrity_check').map((row) => String(row.integrity_check));
  const damages = pages.filter((line) => line !== 'ok').map((detail) => ({code: 'DATABASE_DAMAGED', detail}) as const);
  if (damages.length > 0) return damages;
  const strays = database.all('PRAGMA foreign_key_check').map((row) => `a row of ${row.table} refers to none`);
  const tags = database.all(`${TAGS_WITHOUT_EVENT} UNION ${EVENTS_WITHOUT_TAG}`);
  const moved = tags.map((row) => `the tag ${row.reference} and its history name different images`);
  const sizes = listWrongSizes(database).map((image) => `the sizes of the image ${image} are not those of its layers`);
  return [...strays, ...moved, ...sizes].map((detail) => ({code: 'DATABASE_ROWS', detail}));
}

/** A letter of a name that has changed is no fault to SQLite, which keeps every definition as it was written. */
function hasSchema(database: Database): boolean {
  const version = Number(database.get('PRAGMA user_version')?.user_version);
  const written = MIGRATIONS.slice(0, version).join('');
  const definitions = database
    .all('SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL')
    .map((row) => String(row.sql));
  const count = (pattern: RegExp) => written.match(pattern)?.length ?? 0;
  const isComplete = definitions.length === count(CREATION) - count(REMOVAL);
  return isComplete && definitions.every((definition) => written.includes(definition));
}
