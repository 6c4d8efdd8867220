import {access, constants} from 'node:fs/promises';
import {isWinchError} from '../errors.ts';
import {type Durability, ensureDirectory} from '../host/atomic-write.ts';
import {type AcquireOptions, type Lock, openLockDirectory} from '../host/locks.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestHex} from '../oci/digest.ts';
import {type BlobStore, createBlobStore} from './blobs.ts';
import {collectGarbage, type GarbageOptions} from './collect-garbage.ts';
import {createConnections} from './connections.ts';
import type {Database} from './database.ts';
import {createLayerFiles, type LayerFiles} from './layer-files.ts';
import {keepLayoutIndex} from './layout-index.ts';
import {LEASE} from './lease-holder.ts';
import {type StorePaths, storePaths} from './paths.ts';
import {createUnsyncedContent} from './unsynced.ts';

export interface StoreOptions {
  readonly root: string;
  readonly durability: Durability;
}

/** One store directory, shared by any number of processes. Opening creates nothing. */
export interface Store {
  readonly paths: StorePaths;
  readonly durability: Durability;
  readonly blobs: BlobStore;
  readonly layers: LayerFiles;
  /** Reads the graph, all of it in one state; `absent` when the store does not exist yet. */
  read<T>(query: (database: Database) => T, absent: T): T;
  /** Changes the graph in one transaction, creating the store as needed. */
  write<T>(work: (database: Database) => T): Promise<T>;
  /** Makes durable what others have stored without syncs, when this store is to be durable; `write` does so first. */
  settle(): Promise<void>;
  /** Keeps garbage collection away while new content is not yet named by a tag. */
  lease(signal?: AbortSignal): Promise<Lock>;
  /** As `lease`, for readers: null where nobody can remove anything, since the store cannot be written. */
  readerLease(signal?: AbortSignal): Promise<Lock | null>;
  /**
   * One downloader of a blob and one indexer of a layer (by diff id) across all processes. Who needs both takes the
   * blob's lock first, and holds a lease.
   */
  lock(subject: 'blob' | 'layer', digest: Digest, options: Omit<AcquireOptions, 'mode'>): Promise<Lock>;
  /** Frees what no image needs; null (and nothing done) while a pull holds a lease. */
  collectGarbage(options?: GarbageOptions): Promise<number | null>;
  close(): void;
}

export function openStore({root, durability}: StoreOptions): Store {
  const paths = storePaths(root);
  const locks = openLockDirectory(paths.locks);
  const connections = createConnections(paths, durability);
  const acquire = (name: string, options: AcquireOptions) =>
    locks.acquire(name, options).catch((error: unknown) => {
      throw storageError(error, paths.locks);
    });
  const {note, settle, clear} = createUnsyncedContent(paths, durability);
  return {
    paths,
    durability,
    blobs: createBlobStore(paths, durability),
    layers: createLayerFiles(paths, durability),
    read: (query, absent) => {
      const database = connections.reader();
      return database ? database.snapshot(() => query(database)) : absent;
    },
    write: async (work) => {
      await ensureWritable(root, durability);
      await settle();
      return transact(await connections.writer(), paths, work);
    },
    settle,
    lease: async (signal) => {
      await ensureWritable(root, durability);
      await note();
      return acquire(LEASE, {mode: 'shared', signal});
    },
    readerLease: (signal) =>
      acquire(LEASE, {mode: 'shared', signal}).catch((error: unknown) => {
        if (isWinchError(error) && error.kind === 'storage') return null;
        throw error;
      }),
    lock: (subject, digest, options) => acquire(`${subject}-${digestHex(digest)}`, {mode: 'exclusive', ...options}),
    collectGarbage: async (options) => {
      await ensureWritable(root, durability);
      try {
        using lock = locks.tryAcquire(LEASE, 'exclusive');
        if (lock) await clear();
        return lock && (await collectGarbage(await connections.writer(), paths, options));
      } catch (error) {
        throw storageError(error, paths.root);
      }
    },
    close: connections.close,
  };
}

function transact<T>(database: Database, paths: StorePaths, work: (database: Database) => T): T {
  return database.transaction(() => {
    const result = work(database);
    keepLayoutIndex(paths, database);
    return result;
  });
}

/** Says why a store cannot be changed before any work is done for it. */
async function ensureWritable(root: string, durability: Durability): Promise<void> {
  try {
    await ensureDirectory(root, durability);
    await access(root, constants.W_OK);
  } catch (error) {
    throw storageError(error, root);
  }
}
