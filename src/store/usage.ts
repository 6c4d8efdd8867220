import type {Database} from './database.ts';

const TOTAL = `
  WITH blob (digest, bytes) AS (
    SELECT blob_digest, blob_bytes FROM image_layer UNION SELECT config_digest, config_bytes FROM image
    UNION SELECT manifest_digest, manifest_bytes FROM image
  )
  SELECT coalesce((SELECT sum(bytes) FROM blob), 0) + coalesce((SELECT sum(file_bytes) FROM layer), 0) AS bytes`;

/** Bytes on disk of every blob and layer file that the graph knows. */
export const readUsage = (database: Database): number => Number(database.get(TOTAL)?.bytes ?? 0);
