import {randomBytes} from 'node:crypto';
import {closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {formatRuntimeSpec, parseRuntimeSpec} from '../../bundle/create-bundle.ts';
import {createExecProcess, type ExecOptions, type ExecUser} from '../../bundle/exec-process.ts';
import {readHostFacts} from '../../bundle/host-facts.ts';
import {resolveUser} from '../../bundle/user.ts';
import {hasErrno, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {createLeasedDirectory} from '../../host/leased-directories.ts';
import {loadSyscalls, type Syscalls} from '../../host/syscalls.ts';
import {readTerminalSize} from '../../host/terminal-size.ts';
import {readAccountFiles} from '../../images/image-runtime-config.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {RuntimeProcess} from '../../oci/runtime-spec.ts';
import type {RunningContainer} from '../../runtime/runtime.ts';
import type {ContainerContext} from '../context.ts';
import {execParent} from '../directories.ts';
import {startError} from '../exit-errors.ts';
import {recordContainerEvents} from '../record-events.ts';
import {requireExecutable} from '../require-executable.ts';
import {requireTerminal} from '../require-terminal.ts';
import {supervise} from '../supervise.ts';
import {notRunning} from './find-container.ts';
import {type LiveContainer, requireLive, requireUnpaused} from './find-live.ts';

export interface ExecRequest extends ExecOptions {
  /** Connects standard input; without it the command reads end-of-file. */
  readonly interactive?: boolean | undefined;
  /** Leaves the command running, connected to nothing and without a terminal. */
  readonly detach?: boolean | undefined;
}

const NAME_BYTES = 16;
const SIGTERM = 15;

/**
 * Runs a further command in a running container, with this process's standard streams, and passes on its signals. The
 * container is changed in nothing, and ends the command when it ends itself.
 *
 * @returns the command's own code, 128+n when signal n ended it; 0 for one in the background that has started.
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_PAUSED` |
 * `NAMESPACE_DENIED` | `COMMAND_NOT_FOUND` | `COMMAND_NOT_EXECUTABLE` | `TERMINAL_MISSING` | `USER_UNKNOWN` | `USER_INVALID` |
 * `ENVIRONMENT_INVALID` | `WORKING_DIRECTORY_INVALID` | `RUNTIME_FAILED`
 */
export async function execInContainer(
  context: ContainerContext,
  text: string,
  request: ExecRequest,
  options: CallOptions = {},
): Promise<number> {
  requireRoot();
  const {interactive = false, detach = false} = request;
  const terminal = request.terminal === true && !detach;
  if (terminal) await requireTerminal();
  const container = await requireLive(context, text);
  requireUnpaused(container);
  options.signal?.throwIfAborted();
  const process = describeProcess(container, {...request, terminal});
  mkdirSync(execParent(context), {recursive: true, mode: 0o700});
  const leased = createLeasedDirectory(execParent(context), randomBytes(NAME_BYTES).toString('hex'));
  try {
    const processFile = join(leased.path, 'process.json');
    // The environment may hold secrets.
    writeFileSync(processFile, formatRuntimeSpec(process), {mode: 0o600});
    const {id, runtime} = container;
    const [pidFile, log] = [join(leased.path, 'pid'), join(leased.path, 'log')];
    const started = runtime.exec({id, processFile, pidFile, log, interactive, terminal, detach});
    return await waitForEnd(context, {container, started, request, execId: basename(leased.path)}, options);
  } finally {
    leased.remove();
  }
}

/** The runtime enters the namespaces of the container. */
function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new WinchError('NAMESPACE_DENIED', 'only root, or that of its user namespace, can enter a container', {
    kind: 'unsupported',
    hint: 'run as root',
  });
}

interface StartedExec {
  readonly container: LiveContainer;
  readonly started: RunningContainer;
  readonly request: ExecRequest;
  readonly execId: string;
}

async function waitForEnd(
  context: ContainerContext,
  {container, started, request: {command, detach}, execId}: StartedExec,
  {signal, onEvent}: CallOptions,
): Promise<number> {
  const supervised = supervise(started, {signal, stopSignal: SIGTERM});
  onEvent?.({type: 'exec:started', id: container.id});
  const begun = ['exec_create', 'exec_start'].map((action) => `${action}: ${command.join(' ')}`);
  const attributes = {execID: execId};
  recordContainerEvents(
    context,
    container,
    begun.map((action) => ({action, attributes})),
  );
  const {exitCode, failure} = await supervised;
  const died = {action: 'exec_die', attributes: {...attributes, exitCode: String(exitCode)}};
  if (!detach) recordContainerEvents(context, container, [died]);
  if (failure === null) {
    signal?.throwIfAborted();
    return exitCode;
  }
  // It may have ended, or have been paused, since it was looked for; then that is why.
  requireUnpaused(await requireLive(context, container.id));
  throw startError(container.runtime.path, failure);
}

/** Users and programs are looked up in the container's own files, as its first process sees them. */
function describeProcess(container: LiveContainer, options: ExecOptions): RuntimeProcess {
  const {process: first} = parseRuntimeSpec(readConfig(container));
  const syscalls = loadSyscalls();
  const rootFd = openRoot(container);
  try {
    const process = createExecProcess({
      container: first,
      options,
      user: options.user === undefined ? null : findUser(syscalls, rootFd, {user: options.user, first}),
      terminalSize: options.terminal ? readTerminalSize(syscalls, [0, 1, 2]) : null,
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
