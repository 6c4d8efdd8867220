import {rm} from 'node:fs/promises';
import {hasErrno} from '../errors.ts';
import {readAccount} from './account.ts';
import {planUserNamespace} from './plan-user-namespace.ts';
import {runCommand} from './run-command.ts';
import {SYSTEM_PATH} from './system-programs.ts';

const LIMIT_MS = 30 * 60 * 1000;

/**
 * Removes a directory with all that is in it, also what was made as root of a user namespace and belongs to ids that the
 * user may have there only; fine when there is none.
 */
export async function removeAsRoot(path: string): Promise<void> {
  try {
    await rm(path, {recursive: true, force: true, maxRetries: 3});
  } catch (error) {
    if (!hasErrno(error, 'EACCES', 'EPERM') || process.geteuid?.() === 0) throw error;
    if (!(await removeInNamespace(path))) throw error;
  }
}

async function removeInNamespace(path: string): Promise<boolean> {
  for (const {words} of planUserNamespace(readAccount())) {
    const [program = '', ...rest] = [...words, 'rm', '-rf', '--', path];
    const {exitCode} = await runCommand(program, rest, {environment: {PATH: SYSTEM_PATH}, timeoutMs: LIMIT_MS});
    if (exitCode === 0) return true;
  }
  return false;
}
