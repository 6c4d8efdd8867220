import {hasErrno} from '../errors.ts';

/** Ends a process with SIGKILL; without effect on one that has ended, or is somebody else's. */
export function killUnlessGone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH', 'EPERM')) throw error;
  }
}
