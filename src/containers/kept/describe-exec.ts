import {closeSync, constants, openSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {formatRuntimeSpec, parseRuntimeSpec} from '../../bundle/create-bundle.ts';
import {createExecProcess, type ExecOptions, type ExecUser} from '../../bundle/exec-process.ts';
import {readHostFacts} from '../../bundle/host-facts.ts';
import {resolveUser} from '../../bundle/user.ts';
import {hasErrno, WinchError} from '../../errors.ts';
import {loadSyscalls, type Syscalls} from '../../host/syscalls.ts';
import {readTerminalSize, type TerminalSize} from '../../host/terminal-size.ts';
import {readAccountFiles} from '../../images/image-runtime-config.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {RuntimeProcess} from '../../oci/runtime-spec.ts';
import type {ContainerContext} from '../context.ts';
import {requireExecutable} from '../require-executable.ts';
import {notRunning} from './find-container.ts';
import {type LiveContainer, requireLive} from './find-live.ts';

export interface ExecToDescribe extends ExecOptions {
  /** Of its terminal; null: nobody has said; absent: as that of this process. */
  readonly terminalSize?: TerminalSize | null | undefined;
}

/**
 * A further process of a container, as the runtime takes it. Users and programs are looked up in the container's own files,
 * as its first process sees them.
 *
 * @throws {WinchError} `CONTAINER_STOPPED` | `COMMAND_NOT_FOUND` | `COMMAND_NOT_EXECUTABLE` | `USER_UNKNOWN` |
 * `USER_INVALID` | `ENVIRONMENT_INVALID` | `WORKING_DIRECTORY_INVALID`
 */
export function describeExec(container: LiveContainer, options: ExecToDescribe): RuntimeProcess {
  const {process: first} = parseRuntimeSpec(readConfig(container));
  const syscalls = loadSyscalls();
  const rootFd = openRoot(container);
  try {
    const process = createExecProcess({
      container: first,
      options,
      user: options.user === undefined ? null : findUser(syscalls, rootFd, {user: options.user, first}),
      terminalSize: options.terminal ? sizeOf(options, syscalls) : null,
      capabilities: options.privileged ? readHostFacts().capabilities : [],
    });
    requireDirectory(syscalls, rootFd, process.cwd);
    const [command = ''] = options.command;
    requireExecutable({syscalls, rootFd, spec: {process, mounts: []}, command, owner: 'container'});
    return process;
  } finally {
    closeSync(rootFd);
  }
}

const sizeOf = ({terminalSize}: ExecToDescribe, syscalls: Syscalls): TerminalSize | null =>
  terminalSize === undefined ? readTerminalSize(syscalls, [0, 1, 2]) : terminalSize;

/**
 * As `describeExec`, as text, of a running container by its name.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | as `describeExec`
 */
export async function formatExec(context: ContainerContext, text: string, options: ExecToDescribe): Promise<string> {
  return formatRuntimeSpec(describeExec(await requireLive(context, text), options));
}

interface UserRequest {
  readonly user: string;
  /** The container's first process. */
  readonly first: RuntimeProcess;
}

function findUser(syscalls: Syscalls, rootFd: number, {user, first}: UserRequest): ExecUser {
  const files = readAccountFiles(syscalls, rootFd);
  const {home} = resolveUser(files, `${first.user.uid}:${first.user.gid}`);
  return {...resolveUser(files, user), homeBefore: home};
}

/** A symlink to an open directory of the runtime, which is one of this machine, is refused like one to nothing. */
function requireDirectory(syscalls: Syscalls, rootFd: number, path: string): void {
  try {
    closeSync(syscalls.openInRoot(rootFd, path, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) throw error;
    throw new WinchError('WORKING_DIRECTORY_INVALID', `${excerpt(path)} is no directory of the container`, {
      kind: 'refused',
      hint: 'choose another working directory',
    });
  }
}

const readConfig = (container: LiveContainer): string =>
  unlessEnded(container, () => readFileSync(join(container.directory, 'config.json'), 'utf8'));

const openRoot = (container: LiveContainer): number =>
  unlessEnded(container, () => openSync(`/proc/${container.pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY));

function unlessEnded<T>(container: LiveContainer, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) throw notRunning(container);
    throw error;
  }
}
