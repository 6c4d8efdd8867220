import {hasErrno} from '../../src/errors.ts';
import {openLockDirectory} from '../../src/host/locks.ts';

/** A process of its own: says how taking an existing and a new lock in a directory ends. */
const locks = openLockDirectory(process.argv[2] ?? '');
const outcome = (name: string): string => {
  try {
    return locks.tryAcquire(name, 'exclusive') ? 'held' : 'refused';
  } catch (error) {
    return hasErrno(error, 'EROFS', 'ENOSPC') ? String(error.code) : String(error);
  }
};
process.stdout.write(JSON.stringify([outcome('a'), outcome('b')]));
