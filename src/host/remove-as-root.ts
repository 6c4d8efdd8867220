import {readdirSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {hasErrno, isSystemError} from '../errors.ts';
import {readAccount} from './account.ts';
import {planUserNamespace} from './plan-user-namespace.ts';
import {removeTreeSync} from './remove-tree.ts';
import {runCommand} from './run-command.ts';
import {SYSTEM_PATH} from './system-programs.ts';

const LIMIT_MS = 30 * 60 * 1000;
/** As many entries are removed in the time in which a thread is woken up for a few of them. */
const FEW = 100;

/**
 * Removes a directory with all that is in it, also what was made as root of a user namespace and belongs to ids that the
 * user may have there only; fine when there is none.
 */
export async function removeAsRoot(path: string): Promise<void> {
  try {
    if (!removeFew(path)) await rm(path, {recursive: true, force: true, maxRetries: 3});
  } catch (error) {
    if (!hasErrno(error, 'EACCES', 'EPERM') || process.geteuid?.() === 0) throw error;
    if (!(await removeInNamespace(path))) throw error;
  }
}

/** @returns false: it is much, or cannot be removed that way. */
function removeFew(path: string): boolean {
  try {
    if (!hasFew(path)) return false;
    removeTreeSync(path);
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return false;
  }
}

function hasFew(path: string): boolean {
  const directories = [path];
  let count = 0;
  for (const directory of directories) {
    const entries = readdirSync(directory, {withFileTypes: true});
    count += entries.length;
    if (count > FEW) return false;
    directories.push(...entries.filter((entry) => entry.isDirectory()).map(({name}) => join(directory, name)));
  }
  return true;
}

async function removeInNamespace(path: string): Promise<boolean> {
  for (const {words} of planUserNamespace(readAccount())) {
    const [program = '', ...rest] = [...words, 'rm', '-rf', '--', path];
    const {exitCode} = await runCommand(program, rest, {environment: {PATH: SYSTEM_PATH}, timeoutMs: LIMIT_MS});
    if (exitCode === 0) return true;
  }
  return false;
}
