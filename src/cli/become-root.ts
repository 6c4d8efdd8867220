import {readAccount} from '../host/account.ts';
import {planJoining} from '../host/plan-user-namespace.ts';
import {SYSTEM_PATH} from '../host/system-programs.ts';
import {tryUserNamespace} from '../host/try-user-namespace.ts';
import {OUTER_USER, type Variables} from './user-id.ts';

/**
 * Starts this process's command line anew as root of a user namespace, in which mounts can be made and files belong to
 * several owners. The process stays the same, so terminals, signals and parents notice nothing.
 *
 * @throws {WinchError} `USER_NAMESPACE_DENIED`
 */
export async function becomeRoot(variables: Variables, runtimeDirectory: string): Promise<never> {
  const account = readAccount();
  const {words} = await tryUserNamespace(account, runtimeDirectory);
  return startAnew(words, variables, account.uid);
}

/**
 * As `becomeRoot`, in the user namespace of a process that this user has started there.
 *
 * @throws {WinchError} `USER_NAMESPACE_DENIED`
 */
export const joinUserNamespace = (variables: Variables, pid: number): never =>
  startAnew(planJoining(pid), variables, readAccount().uid);

function startAnew(words: readonly string[], variables: Variables, uid: number): never {
  const command = [...words, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const [program = ''] = command;
  // Windows and workers alone have none.
  if (!process.execve) throw new Error('this process cannot be replaced');
  const environment = {...setOnly(variables), PATH: addSystemPath(variables.PATH), [OUTER_USER]: String(uid)};
  return process.execve(program, command, environment);
}

/** `unshare` looks for newuidmap and newgidmap there. */
const addSystemPath = (path = ''): string => (path === '' ? SYSTEM_PATH : `${path}:${SYSTEM_PATH}`);

const setOnly = (variables: Variables): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined));
