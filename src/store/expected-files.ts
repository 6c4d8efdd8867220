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

/** What SQLite finds wrong with the database, a line each; its pages one by one, and rows that refer to none. */
export function findDatabaseFaults(database: Database): readonly string[] {
  const pages = database.all('PRAGMA quick_check').map((row) => String(row.quick_check));
  const strays = database.all('PRAGMA foreign_key_check').map((row) => `a row of ${row.table} refers to none`);
  return [...pages.filter((line) => line !== 'ok'), ...strays];
}
