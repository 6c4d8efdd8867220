import {isWinchError} from '../errors.ts';
import {type Digest, isDigest} from '../oci/digest.ts';
import {formatReference, parseReference} from '../oci/reference.ts';
import {type Database, openDatabaseForReading, type Row} from './database.ts';
import {type SalvagedValue, salvageRecords} from './salvage-pages.ts';
import type {TagEvent} from './tag-events.ts';
import type {TagRecord} from './tags.ts';

/** A tag with when it was set. */
export interface SalvagedTag extends TagRecord {
  readonly updatedAt: number;
}

export interface SalvagedEvent extends TagEvent {
  readonly reference: string;
  readonly number: number;
}

/** What a layer file does not say of itself. */
export interface SalvagedLayer {
  readonly diffId: Digest;
  readonly tarBytes: number;
}

/** What could be read of a damaged database, as far as blobs do not tell it as well. */
export interface Salvage {
  readonly tags: readonly SalvagedTag[];
  /** Oldest first. */
  readonly events: readonly SalvagedEvent[];
  readonly layers: readonly SalvagedLayer[];
  /** Blobs that were dropped on purpose. */
  readonly dropped: readonly {readonly digest: Digest; readonly bytes: number; readonly droppedAt: number}[];
  /** Whether SQLite could read all of these tables. */
  readonly isWhole: boolean;
}

type Values = readonly SalvagedValue[];

/** In the order of the tables' columns. */
const TABLES = {
  tags: 'SELECT reference, target_digest, manifest_digest, updated_at FROM tag',
  events: 'SELECT reference, number, target_digest, manifest_digest, happened_at FROM tag_event',
  layers: 'SELECT diff_id, tar_bytes, file_bytes, entries, whiteouts, directories FROM layer',
  dropped: 'SELECT digest, bytes, dropped_at FROM dropped_blob',
} as const;

/**
 * Reads what is left of a database: its tables where SQLite reads them, else whatever rows its pages still have. Rows
 * are taken only where every value can be what it must be.
 */
export function salvageDatabase(path: string): Salvage {
  const rows = readTables(path);
  return takeRows(rows ?? [...salvageRecords(path)], rows !== null);
}

/** Null: SQLite cannot read them all. */
function readTables(path: string): readonly Values[] | null {
  let database: Database | null = null;
  try {
    database = openDatabaseForReading(path);
    const rows = Object.values(TABLES).flatMap((sql) => database?.all(sql) ?? []);
    return database && rows.map((row: Row) => Object.values(row) as Values);
  } catch (error) {
    if (!isWinchError(error)) throw error;
    return null;
  } finally {
    database?.close();
  }
}

function takeRows(rows: readonly Values[], isWhole: boolean): Salvage {
  return {
    tags: rows.flatMap((row) => asTag(row) ?? []),
    events: rows.flatMap((row) => asEvent(row) ?? []).toSorted((a, b) => a.number - b.number),
    layers: rows.flatMap((row) => asLayer(row) ?? []),
    dropped: rows.flatMap((row) => asDropped(row) ?? []),
    isWhole,
  };
}

function isReference(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  try {
    return formatReference(parseReference(text)) === text;
  } catch (error) {
    if (isWinchError(error)) return false;
    throw error;
  }
}

const LAYER_COLUMNS = 6;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function asTag([reference, targetDigest, manifestDigest, updatedAt, ...more]: Values): SalvagedTag | null {
  if (!isReference(reference) || !isDigest(targetDigest) || !isDigest(manifestDigest)) return null;
  return isCount(updatedAt) && more.length === 0 ? {reference, targetDigest, manifestDigest, updatedAt} : null;
}

function asEvent([reference, number, target, manifest, happenedAt, ...more]: Values): SalvagedEvent | null {
  if (!isReference(reference) || !isCount(number) || !isCount(happenedAt) || more.length > 0) return null;
  const event = {reference, number, happenedAt};
  if (target === null && manifest === null) return {...event, targetDigest: null, manifestDigest: null};
  return isDigest(target) && isDigest(manifest) ? {...event, targetDigest: target, manifestDigest: manifest} : null;
}

function asLayer(row: Values): SalvagedLayer | null {
  const [diffId, tarBytes, ...sizes] = row;
  if (row.length !== LAYER_COLUMNS || !isDigest(diffId) || !isCount(tarBytes)) return null;
  return sizes.slice(0, -1).every(isCount) ? {diffId, tarBytes} : null;
}

function asDropped([digest, bytes, droppedAt, ...more]: Values) {
  return isDigest(digest) && isCount(bytes) && isCount(droppedAt) && more.length === 0
    ? {digest, bytes, droppedAt}
    : null;
}
