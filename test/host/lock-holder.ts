import {setTimeout as sleep} from 'node:timers/promises';
import {type LockMode, openLockDirectory} from '../../src/host/locks.ts';

/** A process of its own: takes a lock, says so, and holds it for as long as it lives or was told. */
const [, , directory = '', name = '', mode = '', milliseconds = '60000'] = process.argv;
const lock = openLockDirectory(directory).tryAcquire(name, mode as LockMode);
process.stdout.write(lock ? 'held\n' : 'refused\n');
if (lock) await sleep(Number(milliseconds));
lock?.release();
