import {appendFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Lock, openLockDirectory} from '../host/locks.ts';
import {randomHex} from '../host/random-hex.ts';
import {storageError} from '../host/storage-error.ts';
import type {Digest} from '../oci/digest.ts';
import {type Claims, listClaims, removeClaim, writtenClaims} from './claims.ts';
import type {StorePaths} from './paths.ts';

/** What one use of the store counts on; it ends with its process, however that ends. */
export interface Lease extends Disposable {
  /**
   * Keeps blobs (by digest) and layer files (by diff id) from being collected, those that are still to be stored as well.
   *
   * Only what is found to be stored after this has resolved is sure to stay: look again.
   */
  claim(digests: Iterable<Digest>): Promise<void>;
  /** A fresh path in the ingest area for a file of the caller's own, which is left alone as long as the lease lasts. */
  temporaryPath(): string;
  release(): void;
}

export interface Leases {
  open(signal?: AbortSignal): Promise<Lease>;
  /** Nobody claims anything, and no lease begins, until it is released; null: somebody does so right now. */
  tryHoldOff(): Lock | null;
  /** Waits until nobody does. @throws {WinchError} `LOCK_TIMEOUT` naming who does for half a minute */
  holdOff(): Promise<Lock>;
  /** What living processes claim; sure to be all only while claims are held off. */
  read(): Claims;
  /** Removes what killed processes left; claims are held off. */
  sweep(): void;
}

const SWEEP = 'sweep';
/** A collector holds claims off for milliseconds at a time. */
const PATIENCE_MS = 30_000;

/**
 * The leases of a store. Each is a lock in `locks/claims`, which the kernel drops with its process, and beside it a list
 * of digests. Whoever adds to a list holds the `sweep` lock with others; who collects, alone. So a claim is either seen
 * by a collector, or made after all that it took has gone from its place.
 */
export function openLeases(paths: StorePaths): Leases {
  const gate = openLockDirectory(paths.locks);
  const locks = openLockDirectory(paths.claims);
  const guarded = async <T>(signal: AbortSignal | undefined, work: () => T): Promise<T> => {
    try {
      using _gate = await gate.acquire(SWEEP, {mode: 'shared', signal, timeoutMs: PATIENCE_MS});
      return work();
    } catch (error) {
      throw storageError(error, paths.locks);
    }
  };
  return {
    open: async (signal) => {
      const {id, lock} = await guarded(signal, () => takeFreshLock(locks));
      const claimed = new Set<Digest>();
      return {
        claim: async (digests) => {
          const added = new Set([...digests].filter((digest) => !claimed.has(digest)));
          if (added.size === 0) return;
          await guarded(signal, () => appendFileSync(join(paths.claims, id), writtenClaims(added), {mode: 0o600}));
          for (const digest of added) claimed.add(digest);
        },
        temporaryPath: () => join(paths.ingest, `lease-${id}-${randomHex(4)}`),
        ...releasing(() => {
          removeClaim(paths, id);
          lock.release();
        }),
      };
    },
    tryHoldOff: () => gate.tryAcquire(SWEEP, 'exclusive'),
    holdOff: () => gate.acquire(SWEEP, {mode: 'exclusive', timeoutMs: PATIENCE_MS}),
    read: () => listClaims(paths, locks).claims,
    sweep: () => {
      for (const id of listClaims(paths, locks).dead) removeClaim(paths, id);
    },
  };
}

function takeFreshLock(locks: ReturnType<typeof openLockDirectory>): {readonly id: string; readonly lock: Lock} {
  for (;;) {
    const id = randomHex(8);
    // Somebody who only looks whether it is held may be faster.
    const lock = locks.tryAcquire(id, 'exclusive');
    if (lock) return {id, lock};
  }
}

function releasing(end: () => void): Pick<Lease, 'release' | typeof Symbol.dispose> {
  let isHeld = true;
  const release = () => {
    if (isHeld) end();
    isHeld = false;
  };
  return {release, [Symbol.dispose]: release};
}
