import {isWinchError} from '../errors.ts';
import type {Durability} from '../host/atomic-write.ts';
import {type AcquireOptions, type Lock, openLockDirectory} from '../host/locks.ts';
import {storageError} from '../host/storage-error.ts';
import {type Digest, digestHex} from '../oci/digest.ts';
import {type BlobStore, createBlobStore} from './blobs.ts';
import type {Claims} from './claims.ts';
import type {Collection, GarbageOptions} from './collect-garbage.ts';
import {type Connections, createConnections} from './connections.ts';
import type {Database} from './database.ts';
import {ensureWritable} from './ensure-writable.ts';
import {createLayerFiles, type LayerFiles} from './layer-files.ts';
import {createLayerTrees, type LayerTrees} from './layer-trees.ts';
import {type Lease, type Leases, openLeases} from './leases.ts';
import {type StorePaths, storePaths} from './paths.ts';
import {createUnsyncedContent} from './unsynced.ts';

export interface StoreOptions {
  readonly root: string;
  readonly durability: Durability;
  /** How long to wait for another process that writes to the database; absent: half a minute. */
  readonly busyTimeoutMs?: number | undefined;
}

/** One store directory, shared by any number of processes. Opening creates nothing. */
export interface Store {
  readonly paths: StorePaths;
  readonly durability: Durability;
  readonly blobs: BlobStore;
  readonly layers: LayerFiles;
  readonly trees: LayerTrees;
  /** Reads the graph, all of it in one state; `absent` when the store does not exist yet. */
  read<T>(query: (database: Database) => T, absent: T): T;
  /** Changes the graph in one transaction, creating the store as needed. */
  write<T>(work: (database: Database) => T): Promise<T>;
  /**
   * Notes what is true of files whatever becomes of images, in one transaction that a power cut may undo until the next
   * `write`. The caller holds a lease.
   */
  noteFile(work: (database: Database) => void): Promise<void>;
  /** Makes durable what others have stored without syncs, when this store is to be durable; `write` does so first. */
  settle(): Promise<void>;
  /** Keeps from garbage collection what is claimed by it. */
  lease(signal?: AbortSignal): Promise<Lease>;
  /** As `lease`, for readers: null where nobody can remove anything, since the store cannot be written. */
  readerLease(signal?: AbortSignal): Promise<Lease | null>;
  /** What is claimed right now. */
  readClaims(): Claims;
  /**
   * One downloader of a blob and one indexer of a layer (by diff id) across all processes. Who needs both takes the
   * blob's lock first, and has claimed both: the lock of what nobody claims may be removed.
   */
  lock(subject: 'blob' | 'layer', digest: Digest, options: Omit<AcquireOptions, 'mode'>): Promise<Lock>;
  /** Frees what no image needs and nobody claims. */
  collectGarbage(options?: GarbageOptions): Promise<Collection>;
  close(): void;
}

export function openStore({root, durability, busyTimeoutMs}: StoreOptions): Store {
  const paths = storePaths(root);
  const locks = openLockDirectory(paths.locks);
  const connections = createConnections(paths, durability, busyTimeoutMs);
  const acquire = (name: string, options: AcquireOptions) =>
    locks.acquire(name, options).catch((error: unknown) => {
      throw storageError(error, paths.locks);
    });
  const {note, settle, setAside, clear} = createUnsyncedContent(paths, durability);
  const leases = openLeases(paths);
  return {
    paths,
    durability,
    blobs: createBlobStore(paths, durability),
    layers: createLayerFiles(paths, durability),
    trees: createLayerTrees(paths, durability),
    ...openGraph({paths, durability, connections, settle}),
    settle,
    lease: async (signal) => {
      await ensureWritable(paths, durability);
      return await openNoted(leases, note, signal);
    },
    readerLease: (signal) => leases.open(signal).catch(noLeaseWhereReadOnly),
    readClaims: leases.read,
    lock: (subject, digest, options) => acquire(`${subject}-${digestHex(digest)}`, {mode: 'exclusive', ...options}),
    collectGarbage: async (options) => {
      await ensureWritable(paths, durability);
      const {collectGarbage} = await import('./collect-garbage.ts');
      try {
        const database = await connections.writer();
        const collection = await collectGarbage({database, paths, leases, onIdle: setAside}, options);
        await clear();
        return collection;
      } catch (error) {
        throw storageError(error, paths.root);
      }
    },
    close: connections.close,
  };
}

interface GraphParts extends Pick<Store, 'paths' | 'durability' | 'settle'> {
  readonly connections: Connections;
}

const openGraph = ({
  paths,
  durability,
  connections,
  settle,
}: GraphParts): Pick<Store, 'read' | 'write' | 'noteFile'> => ({
  read: (query, absent) => {
    const database = connections.reader();
    return database ? database.snapshot(() => query(database)) : absent;
  },
  write: async (work) => {
    await ensureWritable(paths, durability);
    await settle();
    // What reads documents of images, which most runs do not.
    const {keepLayoutIndex} = await import('./layout-index.ts');
    const database = await connections.writer();
    return database.transaction(() => {
      const result = work(database);
      keepLayoutIndex(paths, database);
      return result;
    });
  },
  noteFile: async (work) => {
    const database = await connections.writer();
    database.passingTransaction(() => work(database));
  },
});

/** A collector that sees the lease leaves the note. */
async function openNoted(leases: Leases, note: () => Promise<void>, signal: AbortSignal | undefined): Promise<Lease> {
  const lease = await leases.open(signal);
  try {
    await note();
    return lease;
  } catch (error) {
    lease.release();
    throw error;
  }
}

function noLeaseWhereReadOnly(error: unknown): null {
  if (isWinchError(error) && error.kind === 'storage' && error.code !== 'LOCK_TIMEOUT') return null;
  throw error;
}
