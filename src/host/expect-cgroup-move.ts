import {closeSync, openSync, readFileSync, write} from 'node:fs';
import {isSystemError} from '../errors.ts';
import {locateOwnProcesses} from './own-cgroup-path.ts';

/**
 * Has the kernel get ready for a process that is about to be put into a cgroup; nothing depends on it.
 *
 * The first one for a while has to wait until each processor has passed a point of rest (7 ms on two of them); those that
 * follow within 20 ms do not. So a thread of the pool moves this process to where it is already.
 *
 * @returns what settles when the kernel is ready, or never will be.
 * @see Linux 6.18 kernel/cgroup/cgroup.c `cgroup_attach_lock`, kernel/rcu/sync.c
 */
export function expectCgroupMove(): Promise<void> {
  const fd = openOwnProcesses();
  if (fd === null) return Promise.resolve();
  return new Promise((resolve) => {
    write(fd, '0', () => {
      closeSync(fd);
      resolve();
    });
  });
}

/** Null: most users may move nothing. */
function openOwnProcesses(): number | null {
  try {
    const path = locateOwnProcesses(read('/proc/self/cgroup'), read('/proc/thread-self/mountinfo'));
    return path === null ? null : openSync(path, 'r+');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return null;
  }
}

const read = (path: string): string => readFileSync(path, 'utf8');
