import {posix} from 'node:path';
import type {TerminalSize} from '../host/terminal-size.ts';
import type {RuntimeProcess} from '../oci/runtime-spec.ts';
import {mergeEnvironment} from './environment.ts';
import type {ResolvedUser} from './user.ts';
import {createWorkingDirectory} from './working-directory.ts';

/** What is asked of a further process of a container; what is not said is as with its first process. */
export interface ExecOptions {
  /** The program, looked for in the container's PATH, and its arguments. */
  readonly command: readonly string[];
  /** `NAME=value`; later entries win over earlier ones and over the container's. */
  readonly environment?: readonly string[] | undefined;
  readonly workingDirectory?: string | undefined;
  /** `user[:group]`, names or numbers, of the container's own account files. */
  readonly user?: string | undefined;
  /** Gives all capabilities; the container's system call filter stays. */
  readonly privileged?: boolean | undefined;
  readonly terminal?: boolean | undefined;
}

export interface ExecUser extends ResolvedUser {
  /** Home directory of the first process's user. */
  readonly homeBefore: string;
}

export interface ExecProcessInput {
  /** The first process of the container, as it was configured. */
  readonly container: RuntimeProcess;
  readonly options: ExecOptions;
  /** Null: as the first process. */
  readonly user: ExecUser | null;
  /** Of the terminal, when there is one and it is known. */
  readonly terminalSize: TerminalSize | null;
  /** All capabilities that can be given; see `HostFacts`. */
  readonly capabilities: readonly string[];
}

/**
 * The process of an exec: the container's own with what the caller asks. Another user has another HOME, unless the
 * container was given one.
 *
 * @throws {WinchError} `ENVIRONMENT_INVALID` | `WORKING_DIRECTORY_INVALID`
 * @see runtime-spec v1.0.2 config.md#process
 */
export function createExecProcess(input: ExecProcessInput): RuntimeProcess {
  const {container, options, user, terminalSize, capabilities} = input;
  const {consoleSize: _, apparmorProfile, ...inherited} = container;
  const isPrivileged = options.privileged === true;
  return {
    ...inherited,
    ...(apparmorProfile !== undefined && !isPrivileged && {apparmorProfile}),
    ...(isPrivileged && {capabilities: allOf(capabilities), noNewPrivileges: false}),
    ...(user && {user: {uid: user.uid, gid: user.gid, additionalGids: user.additionalGids}}),
    terminal: options.terminal === true,
    ...(terminalSize && {consoleSize: {height: terminalSize.rows, width: terminalSize.columns}}),
    args: options.command,
    env: createExecEnvironment(input),
    cwd: chooseWorkingDirectory(container, options),
  };
}

function createExecEnvironment({container, options, user}: ExecProcessInput): readonly string[] {
  const hasDefaultHome = user !== null && container.env.includes(`HOME=${user.homeBefore}`);
  return mergeEnvironment([
    ...(options.terminal ? ['TERM=xterm'] : []),
    ...container.env,
    ...(hasDefaultHome ? [`HOME=${user.home}`] : []),
    ...(options.environment ?? []),
  ]);
}

/** A relative one starts from the container's own. */
function chooseWorkingDirectory({cwd}: RuntimeProcess, {workingDirectory}: ExecOptions): string {
  if (workingDirectory === undefined) return cwd;
  return createWorkingDirectory(null, {workingDirectory: posix.resolve(cwd, workingDirectory)});
}

const allOf = (granted: readonly string[]) => ({
  bounding: granted,
  effective: granted,
  permitted: granted,
  inheritable: [],
  ambient: [],
});
