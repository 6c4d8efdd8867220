import type {ProcessFacts} from '../events.ts';
import {openLockDirectory} from '../host/locks.ts';
import type {StorePaths} from './paths.ts';

/** The lock that a lease on the store is. */
export const LEASE = 'lease';

/** Another process that holds a lease, for messages. */
export const findLeaseHolder = ({locks}: StorePaths): ProcessFacts | null => openLockDirectory(locks).findHolder(LEASE);
