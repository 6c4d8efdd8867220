import {readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno} from '../errors.ts';
import type {ProcessFacts} from '../events.ts';
import type {LockDirectory} from '../host/locks.ts';
import type {StorePaths} from './paths.ts';
import {namesIn} from './unless-gone.ts';

/** What living processes claim. */
export interface Claims {
  /** Whether there is no lease at all. */
  readonly isEmpty: boolean;
  has(digest: string): boolean;
  hasLease(id: string): boolean;
  /** Those that claim one of these digests or are one of these leases, as far as the kernel tells; this process is none. */
  holdersOf(claimed: ReadonlySet<string>): readonly ProcessFacts[];
}

interface LivingLease {
  readonly id: string;
  readonly digests: ReadonlySet<string>;
}

const LOCK_FILE = /^([0-9a-f]+)\.lock$/;

/** As a lease's list has them; what a full disk left of an earlier line is none. */
export const writtenClaims = (digests: Iterable<string>): string => `\n${[...digests, ''].join('\n')}`;

/** The list goes first: without a lock nobody would look for it. */
export function removeClaim({claims}: StorePaths, id: string): void {
  rmSync(join(claims, id), {force: true});
  rmSync(join(claims, `${id}.lock`), {force: true});
}

/** What living processes claim, and the leases of dead ones. */
export function listClaims(paths: StorePaths, locks: LockDirectory) {
  const ids = namesIn(paths.claims).flatMap((name) => LOCK_FILE.exec(name)?.[1] ?? []);
  const [living, dead] = [[] as LivingLease[], [] as string[]];
  for (const id of ids) {
    if (isHeld(locks, id)) living.push({id, digests: readClaim(join(paths.claims, id))});
    else dead.push(id);
  }
  return {dead, claims: claimsOf(living, (id) => locks.findHolder(id))};
}

function claimsOf(leases: readonly LivingLease[], findHolder: (id: string) => ProcessFacts | null): Claims {
  const all = new Set(leases.flatMap(({digests}) => [...digests]));
  const ids = new Set(leases.map(({id}) => id));
  return {
    isEmpty: leases.length === 0,
    has: (digest) => all.has(digest),
    hasLease: (id) => ids.has(id),
    holdersOf: (claimed) => {
      const involved = leases.filter(
        ({id, digests}) => claimed.has(id) || [...digests].some((digest) => claimed.has(digest)),
      );
      const holders = involved.flatMap(({id}) => findHolder(id) ?? []);
      return [...new Map(holders.map((holder) => [holder.pid, holder])).values()];
    },
  };
}

/** Where locks cannot be taken nobody holds one. */
function isHeld(locks: LockDirectory, id: string): boolean {
  try {
    const lock = locks.tryAcquire(id, 'exclusive');
    lock?.release();
    return lock === null;
  } catch (error) {
    if (hasErrno(error, 'EROFS', 'EACCES', 'EPERM')) return false;
    throw error;
  }
}

/** A line without its end is a claim that was never answered. */
function readClaim(path: string): ReadonlySet<string> {
  try {
    return new Set(readFileSync(path, 'utf8').split('\n').slice(0, -1));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return new Set();
    throw error;
  }
}
