import {existsSync, lstatSync, statSync} from 'node:fs';
import {copyFile, link, open, rename, rm} from 'node:fs/promises';
import {hasErrno, WinchError} from '../errors.ts';
import {syncDirectory} from '../host/atomic-write.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import {createConnections} from './connections.ts';
import type {StorePaths} from './paths.ts';
import type {Store} from './store.ts';

/** A store whose files are those of another one, and whose database is a new one beside that one's. */
export interface RebuiltStore {
  readonly store: Store;
  /**
   * Puts the new database in the place of the old one, which is kept; a crash leaves one or the other, and what is needed
   * to go on from there.
   *
   * @returns where the old one is; null: there was none
   * @throws {WinchError} `STORE_LOCKED`: another process has made a database since this was opened
   */
  replace(): Promise<string | null>;
}

const [BUILDING, READY] = ['.rebuilding', '.rebuilt'];

/** Whether a new database is complete, and whoever was to put it in its place was ended. */
export const hasRebuiltDatabase = ({database}: StorePaths): boolean => existsSync(`${database}${READY}`);

/** Starts a new database; what an ended rebuild left of one is removed. */
export async function openRebuiltStore(store: Store): Promise<RebuiltStore> {
  const {paths, durability} = store;
  const building = `${paths.database}${BUILDING}`;
  const replaced = identify(paths.database);
  await guarded(building, () => removeDatabase(building));
  const rebuilt = {...paths, database: building};
  const connections = createConnections(rebuilt, durability);
  return {
    store: {
      ...store,
      paths: rebuilt,
      read: (query, absent) => {
        const database = connections.reader();
        return database ? database.snapshot(() => query(database)) : absent;
      },
      write: async (work) => {
        const database = await connections.writer();
        return database.transaction(() => work(database));
      },
      close: connections.close,
    },
    replace: async () => {
      // The last connection to close writes the log into the database, and removes it.
      connections.close();
      if (identify(paths.database) !== replaced) throw madeMeanwhile(paths);
      return guarded(building, async () => {
        await syncFile(building);
        await rename(building, `${paths.database}${READY}`);
        return await finishRebuild(paths);
      });
    },
  };
}

/** Puts a database that is ready in its place. */
export async function finishRebuild({root, database}: StorePaths): Promise<string | null> {
  const kept = `${database}.damaged-${randomHex(4)}`;
  const isThere = existsSync(database);
  for (const suffix of ['-wal', '']) {
    if (existsSync(`${database}${suffix}`)) await keepAs(`${kept}${suffix}`, `${database}${suffix}`);
  }
  // Beside the new database the log would be taken for its own.
  for (const suffix of ['-wal', '-shm']) await rm(`${database}${suffix}`, {force: true});
  await syncDirectory(root);
  await rename(`${database}${READY}`, database);
  await syncDirectory(root);
  return isThere ? kept : null;
}

/** Not every file system has hard links, and none of directories. */
async function keepAs(name: string, path: string): Promise<void> {
  if (!lstatSync(path).isFile()) return await rename(path, name);
  try {
    await link(path, name);
  } catch (error) {
    if (!hasErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
    await copyFile(path, name);
  }
}

async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, {force: true});
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}

function identify(path: string): string | null {
  const stats = statSync(path, {throwIfNoEntry: false});
  return stats ? `${stats.dev}:${stats.ino}` : null;
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, path);
  }
}

const madeMeanwhile = ({database}: StorePaths) =>
  new WinchError('STORE_LOCKED', `another process has made a new database meanwhile: ${database}`, {
    kind: 'storage',
    hint: 'repair again',
  });
