import type {Durability} from '../host/atomic-write.ts';
import {type Database, openDatabase, openDatabaseForReading} from './database.ts';
import type {StorePaths} from './paths.ts';

/** At most one connection for reading and one for writing, opened when first needed. */
export interface Connections {
  /** Null while there is no database. */
  reader(): Database | null;
  /** Creates the database as needed. Callers at the same time get the same connection. */
  writer(): Promise<Database>;
  close(): void;
}

export function createConnections(
  {database: path}: StorePaths,
  durability: Durability,
  busyTimeoutMs?: number,
): Connections {
  let reading: Database | null = null;
  let writing: Database | null = null;
  let opening: Promise<Database> | null = null;
  return {
    reader: () => {
      if (writing) return writing;
      reading ??= openDatabaseForReading(path);
      return reading;
    },
    writer: async () => {
      if (writing) return writing;
      opening ??= openDatabase(path, durability, busyTimeoutMs).finally(() => {
        opening = null;
      });
      writing = await opening;
      return writing;
    },
    close: () => {
      reading?.close();
      writing?.close();
      reading = null;
      writing = null;
    },
  };
}
