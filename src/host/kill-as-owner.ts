import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {runCommand} from './run-command.ts';
import {findSystemProgram, SYSTEM_PATH} from './system-programs.ts';

/**
 * Ends a process with SIGKILL, if need be as the user that it runs as: root of a user namespace may do all to what is in
 * it, and to what is beside it what its owner may. Without effect where that cannot be done.
 *
 * @see kill(2), user_namespaces(7)
 */
export async function killAsOwner(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (hasErrno(error, 'ESRCH')) return;
    if (!hasErrno(error, 'EPERM')) throw error;
    const [owner, program] = [readOwner(pid), findSystemProgram('setpriv')];
    if (owner === null || program === null) return;
    const words = [`--reuid=${owner}`, '--clear-groups', '--', '/bin/sh', '-c', 'kill -s KILL "$1"', 'sh', String(pid)];
    await runCommand(program, words, {environment: {PATH: SYSTEM_PATH}});
  }
}

/** The real user of a process, as this namespace counts; null: it has ended. */
function readOwner(pid: number): string | null {
  try {
    return /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? null;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) return null;
    throw error;
  }
}
