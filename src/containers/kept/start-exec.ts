import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {formatRuntimeSpec} from '../../bundle/create-bundle.ts';
import type {ExecOptions} from '../../bundle/exec-process.ts';
import {WinchError} from '../../errors.ts';
import {createLeasedDirectory} from '../../host/leased-directories.ts';
import {planJoining} from '../../host/plan-user-namespace.ts';
import {randomHex} from '../../host/random-hex.ts';
import {loadSyscalls} from '../../host/syscalls.ts';
import {readTerminalSize} from '../../host/terminal-size.ts';
import {startExecConmon} from '../../runtime/conmon-exec.ts';
import {findConmon} from '../../runtime/find-conmon.ts';
import type {ExecStart, RunningContainer} from '../../runtime/runtime.ts';
import type {ContainerContext} from '../context.ts';
import {execParent, runtimeStateDirectory} from '../directories.ts';
import {startError} from '../exit-errors.ts';
import {describeExec, type ExecToDescribe} from './describe-exec.ts';
import type {LiveContainer} from './find-live.ts';

interface ExecToStart extends ExecOptions {
  readonly interactive?: boolean | undefined;
  readonly detach?: boolean | undefined;
  readonly capture?: ExecStart['capture'];
  /** Stands for the terminal of this process; absent: it has one, or needs none. */
  readonly console?: number | undefined;
}

export interface StartedExec {
  readonly id: string;
  readonly process: RunningContainer;
  /** Removes what the runtime was told of it; to be called when it has ended. */
  remove(): void;
}

export interface ExecFiles {
  readonly id: string;
  readonly directory: string;
  /** What the runtime is to run. */
  readonly processFile: string;
  /** For the runtime's own messages. */
  readonly log: string;
  remove(): void;
}

const ID_BYTES = 32;

/** For somebody who is not root: what enters the container is root of its user namespace. */
export interface ExecAsUser {
  /** What the runtime is to be told, as `formatExec` has it, by a process of that root. @param joins One of its processes. */
  describe(container: string, options: ExecToDescribe, joins: number): Promise<string>;
}

export interface ExecEntry {
  /** Null: this process is root. */
  readonly asUser: ExecAsUser | null;
}

/**
 * Starts a further process in a running container.
 *
 * @throws {WinchError} as `describeExec` | `NAMESPACE_DENIED` | `USER_NAMESPACE_DENIED`
 */
export async function startExec(
  context: ContainerContext,
  container: LiveContainer,
  {asUser, ...request}: ExecToStart & ExecEntry,
): Promise<StartedExec> {
  const {interactive = false, detach = false, terminal = false, console = null, capture} = request;
  const {id, directory, processFile, log, remove} = await writeExec(context, container, {...request, asUser});
  try {
    const pidFile = join(directory, 'pid');
    const streams = {interactive, terminal, console, detach, capture, within: wordsWithin(container, asUser)};
    const process = container.runtime.exec({id: container.id, processFile, pidFile, log, ...streams});
    return {id, process, remove};
  } catch (error) {
    remove();
    throw error;
  }
}

/**
 * Starts a further process in a running container, with a terminal that nobody sees and that stays as long as the process.
 *
 * @returns its id.
 * @throws {WinchError} as `startExec` | `SUPERVISOR_NOT_FOUND` | `RUNTIME_FAILED` …
 */
export async function startExecApart(
  context: ContainerContext,
  container: LiveContainer,
  options: ExecOptions & ExecEntry,
): Promise<string> {
  const conmon = findConmon();
  const {runtime} = container;
  const {id, log, remove, ...files} = await writeExec(context, container, {...options, terminal: true});
  try {
    const names = {conmon, runtime: runtime.path, stateDirectory: runtimeStateDirectory(context), runtimeLog: log};
    const within = wordsWithin(container, options.asUser);
    const outcome = await startExecConmon({...names, ...files, within, id: container.id, execId: id}).created;
    if ('failure' in outcome) throw startError(runtime.path, outcome.failure);
    return id;
  } finally {
    remove();
  }
}

async function writeExec(
  context: ContainerContext,
  container: LiveContainer,
  {asUser, ...options}: ExecOptions & ExecEntry,
): Promise<ExecFiles> {
  if (asUser === null) requireRoot();
  const process = asUser
    ? await asUser.describe(container.id, withSize(options), container.pid)
    : formatRuntimeSpec(describeExec(container, options));
  return writeExecFiles(context, {process});
}

/** The terminal is this process's, and not the other one's. */
function withSize(options: ExecOptions): ExecToDescribe {
  const terminalSize = options.terminal ? readTerminalSize(loadSyscalls(), [0, 1, 2]) : null;
  return {...asked(options), terminalSize};
}

/** What another process can be told. */
const asked = ({command, environment, user, workingDirectory, terminal, privileged}: ExecOptions): ExecOptions => ({
  command,
  environment,
  user,
  workingDirectory,
  terminal,
  privileged,
});

const wordsWithin = ({pid}: LiveContainer, asUser: ExecAsUser | null): readonly string[] =>
  asUser === null ? [] : planJoining(pid);

export interface ExecToWrite {
  /** What the runtime is to run (runtime-spec config.md#process). */
  readonly process: string;
  /** How it is called in events, never used before; absent: any. */
  readonly id?: string | undefined;
}

/** Writes down what the runtime is to be told of a further process. */
export function writeExecFiles(context: ContainerContext, {process, id = randomHex(ID_BYTES)}: ExecToWrite): ExecFiles {
  mkdirSync(execParent(context), {recursive: true, mode: 0o700});
  const leased = createLeasedDirectory(execParent(context), id);
  const directory = leased.path;
  const processFile = join(directory, 'process.json');
  try {
    // The environment may hold secrets.
    writeFileSync(processFile, process, {mode: 0o600});
  } catch (error) {
    leased.remove();
    throw error;
  }
  return {id, directory, processFile, log: join(directory, 'log'), remove: () => leased.remove()};
}

/** The runtime enters the namespaces of the container. */
function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new WinchError('NAMESPACE_DENIED', 'only root, or that of its user namespace, can enter a container', {
    kind: 'unsupported',
    hint: 'run as root',
  });
}
