import {closeSync, openSync, statSync} from 'node:fs';
import {dirname} from 'node:path';
import {DatabaseSync, type SQLInputValue, type SQLOutputValue} from 'node:sqlite';
import {setTimeout as sleep} from 'node:timers/promises';
import {pathToFileURL} from 'node:url';
import {hasErrno, isWinchError, WinchError} from '../errors.ts';
import {type Durability, ensureDirectory} from '../host/atomic-write.ts';
import {monotonicMs} from '../host/monotonic-ms.ts';
import {storageError} from '../host/storage-error.ts';
import {databaseError, isOpenFailure} from './database-errors.ts';
import {MIGRATIONS, STAND_INS} from './schema.ts';
import {createTransactions} from './transactions.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;
export type Tuple = readonly SQLOutputValue[];

export interface Database {
  all(sql: string, ...parameters: readonly SQLInputValue[]): readonly Row[];
  /** As `all`, each row as its values in the order of the columns: half the time where there are thousands of rows. */
  tuples(sql: string, ...parameters: readonly SQLInputValue[]): readonly Tuple[];
  get(sql: string, ...parameters: readonly SQLInputValue[]): Row | undefined;
  run(sql: string, ...parameters: readonly SQLInputValue[]): number;
  /** Runs `work` as one transaction that takes the write lock at once. */
  transaction<T>(work: () => T): T;
  /** As `transaction`; a power cut may undo it until the next `transaction`, which makes it durable with itself. */
  passingTransaction<T>(work: () => T): T;
  /** Runs `work` so that all of its queries see one state; within a transaction, that transaction's. */
  snapshot<T>(work: () => T): T;
  close(): void;
}

const BUSY_TIMEOUT_MS = 30_000;
const RETRY_MS = 10;
const VERSION_NOTE = `PRAGMA user_version = ${MIGRATIONS.length}`;
/** Rows of large graphs go in no order: with the 2 MB of a default they take twice as long. */
const WRITER_CACHE_KB = 32 * 1024;

/**
 * Opens the store's database for reading and writing, creating and migrating it as needed.
 *
 * @param waitMs How long for somebody else who writes.
 * @throws {WinchError} `STORE_NEWER` when a later version of winch wrote it; `STORE_LOCKED` | `STORE_READ_ONLY` |
 * `STORE_DENIED` | `STORE_FULL` | `STORE_CORRUPT`
 */
export async function openDatabase(path: string, durability: Durability, waitMs = BUSY_TIMEOUT_MS): Promise<Database> {
  try {
    await ensureDirectory(dirname(path), durability);
  } catch (error) {
    throw storageError(error, dirname(path));
  }
  for (let deadline: number | null = null; ; await sleep(RETRY_MS)) {
    try {
      return guarded(path, () => connect(path, durability, waitMs));
    } catch (error) {
      // SQLite does not wait when it sets the journal mode of a new database that another process writes to.
      if (!isWinchError(error, 'STORE_LOCKED')) throw error;
      deadline ??= monotonicMs() + waitMs;
      if (monotonicMs() > deadline) throw error;
    }
  }
}

function connect(path: string, durability: Durability, timeout: number): Database {
  createPrivately(path);
  const connection = new DatabaseSync(path, {timeout});
  try {
    connection.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    connection.exec(`PRAGMA foreign_keys = ON; PRAGMA cache_size = -${WRITER_CACHE_KB}`);
    migrate(connection, path);
  } catch (error) {
    connection.close();
    throw error;
  }
  return wrap(connection, path);
}

/** SQLite's own files get the mode of this one, whatever the umask is. */
function createPrivately(path: string): void {
  try {
    // Only what was not there is opened: closing a database in use would drop this process's locks.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw storageError(error, path);
  }
}

/**
 * Opens the database for reading; null when there is none yet. Works on a read-only file system, and with a database of
 * an older version, which is left as it is.
 *
 * @throws {WinchError} as {@link openDatabase}
 */
export function openDatabaseForReading(path: string): Database | null {
  if (!isThere(path)) return null;
  return guarded(path, () => {
    const connection = connectForReading(path);
    const version = readVersion(connection);
    if (version > 0 && version <= MIGRATIONS.length) {
      for (const sql of STAND_INS.slice(version)) connection.exec(sql);
      return wrap(connection, path);
    }
    connection.close();
    if (version > 0) throw newerStore(path);
    return null;
  });
}

/** What cannot be looked at is not taken for a store without images. */
function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw storageError(error, dirname(path));
  }
}

/**
 * A WAL database cannot be opened where its `-shm` file cannot be made, unless nobody can be changing it: on a
 * read-only file system, and on a full one, where a writer needs that file as well.
 */
function connectForReading(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, {readOnly: true, timeout: BUSY_TIMEOUT_MS});
  try {
    readVersion(connection);
    return connection;
  } catch (error) {
    connection.close();
    if (!isOpenFailure(error)) throw error;
    refuseUnfinishedWrites(path);
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, {readOnly: true});
  }
}

/** What is in the write-ahead log alone would silently be missing. */
function refuseUnfinishedWrites(path: string): void {
  if (!statSync(`${path}-wal`, {throwIfNoEntry: false})?.size) return;
  throw new WinchError('STORE_READ_ONLY', `the database has unfinished writes and cannot be written: ${path}`, {
    kind: 'storage',
    hint: 'use the store once where it can be written',
  });
}

const readVersion = (connection: DatabaseSync): number =>
  Number(connection.prepare('PRAGMA user_version').get()?.user_version ?? 0);

function migrate(connection: DatabaseSync, path: string): void {
  if (readVersion(connection) === MIGRATIONS.length) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    const version = readVersion(connection);
    if (version > MIGRATIONS.length) throw newerStore(path);
    for (const sql of MIGRATIONS.slice(version)) connection.exec(sql);
    connection.exec(`${VERSION_NOTE}; COMMIT`);
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

function wrap(connection: DatabaseSync, path: string): Database {
  const guard = <T>(work: () => T): T => guarded(path, work);
  const transactions = createTransactions(connection, () => connection.exec(VERSION_NOTE));
  return {
    all: (sql, ...parameters) => guard(() => connection.prepare(sql).all(...parameters) as Row[]),
    tuples: (sql, ...parameters) => guard(() => tuplesOf(connection, sql, parameters)),
    get: (sql, ...parameters) => guard(() => connection.prepare(sql).get(...parameters) as Row | undefined),
    run: (sql, ...parameters) => guard(() => Number(connection.prepare(sql).run(...parameters).changes)),
    transaction: (work) => guard(() => transactions.durable(work)),
    passingTransaction: (work) => guard(() => transactions.passing(work)),
    snapshot: (work) => guard(() => transactions.snapshot(work)),
    close: () => connection.close(),
  };
}

function tuplesOf(connection: DatabaseSync, sql: string, parameters: readonly SQLInputValue[]): readonly Tuple[] {
  const statement = connection.prepare(sql);
  statement.setReturnArrays(true);
  return statement.all(...parameters) as unknown as Tuple[];
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw databaseError(error, path);
  }
}

const newerStore = (path: string) =>
  new WinchError('STORE_NEWER', `the store was written by a later version: ${path}`, {
    kind: 'storage',
    hint: 'upgrade winch, or choose another root',
  });
