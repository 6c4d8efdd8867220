import {WinchError} from '../../errors.ts';
import type {ProcessFacts} from '../../events.ts';
import {describeHolder, findLockHolder} from '../../host/find-lock-holder.ts';
import {type Lock, openLockDirectory} from '../../host/locks.ts';
import {storageError} from '../../host/storage-error.ts';
import {statFile} from '../../store/found-files.ts';
import type {Store} from '../../store/store.ts';

const REPAIR = 'repair';
/** Every connection to a database with a write-ahead log holds it (https://sqlite.org/src/file/src/os_unix.c). */
const CONNECTION_BYTE = 128;

/**
 * One repair at a time; null where there is no store.
 *
 * @throws {WinchError} `STORE_LOCKED`: another process repairs | `STORE_READ_ONLY` | `STORE_DENIED`
 */
export function lockRepair({paths}: Store): Lock | null {
  if (statFile(paths.root) === null) return null;
  const locks = openLockDirectory(paths.locks);
  try {
    const lock = locks.tryAcquire(REPAIR, 'exclusive');
    if (lock) return lock;
  } catch (error) {
    throw storageError(error, paths.locks);
  }
  throw inUse('repairs the store', locks.findHolder(REPAIR));
}

/** What others wrote to a database that is replaced would be lost. @throws {WinchError} `STORE_LOCKED` */
export function refuseOtherConnections({paths}: Store): void {
  const holder = findLockHolder({path: `${paths.database}-shm`, offset: CONNECTION_BYTE});
  if (holder) throw inUse('uses the damaged database', holder);
}

const inUse = (what: string, holder: ProcessFacts | null): WinchError =>
  new WinchError('STORE_LOCKED', `${holder ? describeHolder(holder) : 'another process'} ${what}`, {
    kind: 'storage',
    hint: 'wait for it to finish, or end it, and repair then',
  });
